"""Who is there: people and machines, active, privileged and dormant."""

from collections import Counter

from accesssync.reports.columns import Table
from accesssync.reports.dataset import Cell
from accesssync.reports.figures.shape import Groups, Series, counted, percent

PEOPLE = frozenset({"human"})
MACHINES = frozenset({"service_account", "nhi", "oauth_client"})

_SORTS = (("people", "people"), ("machines", "machines"), ("undecided", "to be decided"))


def sort_of(kind: Cell) -> str:
    """Whether a type of identity is a person, a machine, or not decided."""
    return "people" if kind in PEOPLE else "machines" if kind in MACHINES else "undecided"


def is_active(status: Cell, disabled: Cell) -> bool:
    """Whether somebody with this status may come in: active, and not switched off."""
    return isinstance(status, str) and status.casefold() == "active" and disabled is not True


def has_access(status: Cell, disabled: Cell) -> bool:
    """Whether nothing says that somebody is disabled: an invited person has what the roles give on coming."""
    return disabled is not True and not (isinstance(status, str) and status.casefold() == "disabled")


def is_pending(status: Cell) -> bool:
    """Whether somebody was invited and has not come yet."""
    return isinstance(status, str) and status.casefold() == "pending"


def is_person(kind: Cell) -> bool:
    """Whether an identity is counted as a person: in doubt it is one."""
    return kind not in MACHINES


def people(counts: Counter[str]) -> int:
    """How many are counted as people."""
    return counts.total() - counts["machines"]


class Population:
    """The counts of identities that several figures need, made in one pass.

    Each is by sort: people, machines, undecided. `access` have those that nothing says are disabled; `privileged` are
    the privileged ones of these, `pending` the invited ones.
    """

    def __init__(self, identities: Table | None) -> None:
        self.known = identities is not None
        self.access: Counter[str] = Counter()
        self.active: Counter[str] = Counter()
        self.privileged: Counter[str] = Counter()
        self.pending: Counter[str] = Counter()
        self.disabled: Counter[str] = Counter()
        self.factor: Counter[Cell] = Counter()
        """Active people by whether they have a second factor; None where nobody knows."""
        if identities is not None:
            self._count(identities)

    def _count(self, identities: Table) -> None:
        seen = Counter(identities.rows("type", "status", "disabled", "is_privileged", "mfa_enabled"))
        for (kind, status, disabled, privileged, factor), count in seen.items():
            sort = sort_of(kind)
            if not has_access(status, disabled):
                self.disabled[sort] += count
                continue
            self.access[sort] += count
            if privileged is True:
                self.privileged[sort] += count
            if is_pending(status):
                self.pending[sort] += count
            if is_active(status, disabled):
                self.active[sort] += count
                if is_person(kind):
                    self.factor[factor] += count


def humans_and_machines(population: Population) -> Groups | None:
    """Who makes up those with access, and those with privileges."""
    if not population.known:
        return None
    rows = (
        ("with access", population.access),
        ("privileged", population.privileged),
        ("invited", population.pending),
        ("disabled", population.disabled),
    )
    machines, privileged = population.privileged["machines"], population.privileged.total()
    share = percent(population.access["machines"], population.access.total())
    power = (
        f"; among the {counted(privileged, 'privileged identity', 'privileged identities')} it is "
        f"{percent(machines, privileged)}"
        if privileged
        else ", and nobody is privileged"
    )
    return Groups(
        title="People and machines",
        says=f"{share.capitalize()} of the identities with access are machines{power}.",
        about=(
            "Machines are service accounts, and user accounts that were told or found to be nobody's own. Who is to be "
            "decided about counts as a person elsewhere. With access are all that nothing says are disabled, invited "
            "ones included; privileged are those of them that hold a permission of tier T0 or T1."
        ),
        first="Identities",
        groups=tuple(name for name, _ in rows),
        series=tuple(Series(key, label, tuple(count[key] for _, count in rows)) for key, label in _SORTS),
    )
