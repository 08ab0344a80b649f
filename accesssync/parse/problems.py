"""Collect what is wrong with files that people wrote, and raise it as one error."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from accesssync.errors import InputError

MOST = 100
"""Problems that are told. Whoever has more begins with these."""

_LONGEST_SHOWN = 60


class Problems:
    """What is wrong with one file, or with several that are read together.

    Readers and getters add to it and go on; whoever asked for the files calls `raise_any` before anything read from
    them is used. Until then a getter that found a fault has given a placeholder.
    """

    def __init__(self) -> None:
        self._found: list[tuple[str, int, str]] = []
        self._closers: list[Callable[[], None]] = []

    def add(self, file: str, line: int, message: str) -> None:
        """Note one problem. Beyond the first hundred they are dropped: see `full`."""
        if not self.full and (file, line, message) not in self._found:
            self._found.append((file, line, message))

    @property
    def full(self) -> bool:
        """Whether there are so many that reading on serves nobody."""
        return len(self._found) >= MOST

    def before_raising(self, closer: Callable[[], None]) -> None:
        """Have `closer` called once before the problems are counted: it may add what only shows at the end."""
        self._closers.append(closer)

    def found(self) -> tuple[str, ...]:
        """Everything wrong so far as `file:line: message`, in the order of files and lines."""
        closers, self._closers = self._closers, []
        for closer in closers:
            closer()
        ordered = sorted(self._found, key=lambda one: one[:2])
        return tuple(f"{file}:{line}: {message}" for file, line, message in ordered)

    def raise_any(self) -> None:
        """Raise InputError with all of them, if there are any."""
        found = self.found()
        if found:
            raise InputError(found)


def shown(text: str) -> str:
    """A stranger's text as a message may have it: quoted, escaped and cut short."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "...")


def did_you_mean(given: str, right: Iterable[str]) -> str:
    """`; did you mean owner?` for the name nearest to what was given, or nothing where none is near."""
    near = nearest(given, right)
    return f"; did you mean {near}?" if near else ""


def nearest(given: str, right: Iterable[str]) -> str | None:
    """The right name that was probably meant."""
    plain = {_plain(name): name for name in right}
    found = get_close_matches(_plain(given[:100]), plain, 1)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum()) or name
