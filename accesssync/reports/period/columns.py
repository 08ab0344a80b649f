"""The columns that the tables of a period share, and how they are filled."""

from collections.abc import Iterable

from accesssync.reports.dataset import Cell, Column
from accesssync.reports.datasets.columns import BASIS, EMAIL, EXPLAINED, IDENTITY_ID, NAME, TYPE
from accesssync.reports.period.history import Names, Window

WHO = (IDENTITY_ID, EMAIL, NAME, Column("identity_type", "text", TYPE.means))
"""How an identity is named: as it was last known by the end of the period."""

WHEN = (
    Column("run_id", "id", "The run that saw it."),
    Column("window_start", "moment", "It happened after this time; empty where nobody had looked before."),
    Column("window_end", "moment", "It happened by this time."),
    Column(
        "cause",
        "text",
        "org where the organization changed; coverage where it may have been so before, and only then became visible.",
    ),
)

WHY = (
    Column("actor", "text", "Who did it, where that is known.", personal=True),
    EXPLAINED,
    BASIS,
    Column("explanation", "text", "The reason, as it was told.", personal=True),
)


def who(names: Names, identity_id: str) -> tuple[Cell, ...]:
    """The cells of WHO."""
    one = names.who(identity_id)
    return identity_id, one.email, one.name, one.type


def when(window: Window) -> tuple[Cell, ...]:
    """The cells of WHEN."""
    return run_name(window.run), window.after, window.before, window.cause


def why(window: Window) -> tuple[Cell, ...]:
    """The cells of WHY."""
    return window.actor, window.basis != "none", window.basis, window.explanation


def run_name(run: int) -> str:
    """A run as people name it."""
    return f"run-{run}"


def in_order(texts: Iterable[str]) -> tuple[str, ...]:
    """Names in one order, each once."""
    return tuple(sorted(set(texts), key=lambda text: (text.casefold(), text)))
