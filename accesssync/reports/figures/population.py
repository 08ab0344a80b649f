"""Who is there: people and machines, active, privileged and dormant."""

from collections import Counter
from collections.abc import Iterable

from accesssync.reports.columns import Table
from accesssync.reports.dataset import Cell
from accesssync.reports.figures.shape import Groups, Series, counted, percent

PEOPLE = frozenset({"human"})
MACHINES = frozenset({"service_account", "nhi_suspected", "nhi", "oauth_client"})

_SORTS = (("people", "people"), ("machines", "machines"), ("undecided", "not decided"))


def sort_of(kind: Cell) -> str:
    """Whether a type of identity is a person, a machine, or not decided."""
    return "people" if kind in PEOPLE else "machines" if kind in MACHINES else "undecided"


def is_active(status: Cell, disabled: Cell) -> bool:
    """Whether somebody with this status may come in: active, and not switched off."""
    return isinstance(status, str) and status.casefold() == "active" and disabled is not True


def is_pending(status: Cell) -> bool:
    """Whether somebody was invited and has not come yet."""
    return isinstance(status, str) and status.casefold() == "pending"


def sorted_out(rows: Iterable[Cell]) -> Counter[str]:
    """How many of these types are people, machines and undecided."""
    found: Counter[str] = Counter()
    for kind, count in Counter(rows).items():
        found[sort_of(kind)] += count
    return found


class Population:
    """The counts of identities that several figures need, made in one pass."""

    def __init__(self, identities: Table | None) -> None:
        self.known = identities is not None
        self.active: Counter[str] = Counter()
        self.privileged: Counter[str] = Counter()
        self.pending: Counter[str] = Counter()
        self.disabled: Counter[str] = Counter()
        self.factor: Counter[Cell] = Counter()
        if identities is None:
            return
        seen = Counter(identities.rows("type", "status", "disabled", "is_privileged", "mfa_enabled"))
        for (kind, status, disabled, privileged, factor), count in seen.items():
            sort = sort_of(kind)
            if not is_active(status, disabled):
                (self.pending if is_pending(status) else self.disabled)[sort] += count
                continue
            self.active[sort] += count
            if privileged is True:
                self.privileged[sort] += count
            if sort == "people":
                self.factor[factor] += count


def humans_and_machines(population: Population) -> Groups | None:
    """Who makes up the active identities, and who those with privileges."""
    if not population.known:
        return None
    rows = (
        ("active", population.active),
        ("privileged", population.privileged),
        ("pending", population.pending),
        ("disabled", population.disabled),
    )
    machines, privileged = population.privileged["machines"], population.privileged.total()
    share = percent(population.active["machines"], population.active.total())
    power = (
        f"; among the {counted(privileged, 'privileged identity', 'privileged identities')} it is "
        f"{percent(machines, privileged)}"
        if privileged
        else ", and nobody is privileged"
    )
    return Groups(
        title="People and machines",
        says=f"{share.capitalize()} of the active identities are machines{power}.",
        about=(
            "Machines are service accounts and user accounts that were told or found to be none of a person. "
            "Privileged are the active ones that hold a permission of tier T0 or T1."
        ),
        first="Identities",
        groups=tuple(name for name, _ in rows),
        series=tuple(Series(key, label, tuple(count[key] for _, count in rows)) for key, label in _SORTS),
    )
