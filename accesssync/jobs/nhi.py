"""Score the identities of a CSV file: no database, no network."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from msgspec import UNSET, UnsetType

from accesssync.errors import UsageError
from accesssync.nhi.classify import Context, classify, context
from accesssync.nhi.lexicon import Lexicon, base_lexicon, load_lexicon
from accesssync.nhi.verdict import Classification, Evidence, Subject
from accesssync.parse.cells import Cells, Header, plain_name
from accesssync.parse.problems import Problems, nearest, shown

Document = dict[str, Any]

_IN_MEMORY = 4 * 1024 * 1024
_COLUMNS = {
    "email": ("email", "e-mail", "mail", "email_address"),
    "name": ("name", "display_name", "full_name"),
    "handle": ("handle", "login", "username", "user_name"),
    "title": ("title", "job_title"),
    "status": ("status",),
    "service_account": ("service_account",),
    "mfa_enabled": ("mfa_enabled",),
    "created_at": ("created_at", "created"),
    "last_login_time": ("last_login_time", "last_login_at", "last_login"),
}
_SPELLINGS = frozenset(name for spellings in _COLUMNS.values() for name in spellings)
_NAMES = frozenset({"email", "name", "handle"})
_BEHAVIOUR = frozenset({"status", "mfa_enabled", "created_at", "last_login_time"})
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": None, "null": None}
_NEVER = {"never", "null", "none"}


def scoring(now: datetime, org_domains: Iterable[str] = (), lexicon: Path | None = None) -> Context:
    """What to judge by: the lexicon, with an operator's file of changes where one is given."""
    return context(now, lexicon=lexicon_of(lexicon), org_domains=tuple(org_domains))


def lexicon_of(path: Path | None) -> Lexicon:
    """The lexicon that comes with accesssync, with an operator's file of changes where one is given."""
    if path is None:
        return base_lexicon()
    try:
        return load_lexicon(base_lexicon(), path.read_bytes(), str(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or 'input/output error'}") from error


def score(path: Path, used: Context) -> Iterator[tuple[Document, Subject]]:
    """The answer for each row, in the file's order, with the subject as it was read.

    The whole file is checked before the first answer, so that a broken one gives an InputError that names every
    problem by its line, and nothing else. Memory does not grow with the file.
    """
    with closing(_opened(path)) as content:
        problems = Problems()
        for _ in _subjects(content, str(path), problems):
            pass
        problems.raise_any()
        content.seek(0)
        for row, subject in enumerate(_subjects(content, str(path), problems), start=1):
            yield document(row, classify(subject, used)), subject


def document(row: int, found: Classification) -> Document:
    """One answer as the contract has it."""
    return {
        "row": row,
        "label": found.label,
        "score": found.score,
        "kind": found.kind,
        "basis": found.basis,
        "signals": [
            {"id": one.id, "points": one.points, "field": one.field, "text": one.text} for one in found.signals
        ],
    }


def _opened(path: Path) -> IO[bytes]:
    """The file; a pipe is copied first, as it is read twice."""
    try:
        content = path.open("rb")
        if content.seekable():
            return content
        with content:
            copy = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by the caller
            shutil.copyfileobj(content, copy)
            copy.seek(0)
            return copy
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or 'input/output error'}") from error


def _subjects(content: IO[bytes], file: str, problems: Problems) -> Iterator[Subject]:
    cells = Cells(content, file, _SPELLINGS, problems)
    try:
        places = _places(cells.header, file, problems) if cells.header else {}
        for line, row in cells.rows() if places else ():
            if problems.full:
                return
            yield _Row(row, places, file, line, problems).subject()
    finally:
        cells.detach()


def _places(header: Header, file: str, problems: Problems) -> dict[str, int]:
    """Where the columns that are understood stand; the others are passed over."""
    found: dict[str, int] = {}
    given = [plain_name(name) for name in header.names]
    for column, spellings in _COLUMNS.items():
        at = next((given.index(name) for name in spellings if name in given), None)
        if at is not None:
            found[column] = at
    if found.keys() & _NAMES:
        return found
    near = next((name for name in given if name and nearest(name, _NAMES)), None)
    hint = f"; did you mean {nearest(near, _NAMES)} by {shown(near)}?" if near else "; name the columns in a header"
    problems.add(file, header.line, f"no column is called email, name or handle{hint}")
    return {}


class _Row:
    """One row. Whatever its names are is read: they are what is to be judged."""

    def __init__(self, cells: list[str], places: Mapping[str, int], file: str, line: int, problems: Problems) -> None:
        self._cells = cells
        self._places = places
        self._file = file
        self._line = line
        self._problems = problems

    def subject(self) -> Subject:
        evidence = None
        if self._places.keys() & _BEHAVIOUR:
            evidence = Evidence(
                status=self._cell("status") or None,
                created_at=self._time("created_at") or None,
                last_login_at=self._time("last_login_time"),
                mfa_enabled=self._flag("mfa_enabled"),
            )
        return Subject(
            email=self._cell("email"),
            name=self._cell("name"),
            handle=self._cell("handle"),
            title=self._cell("title") or None,
            service_account=self._flag("service_account"),
            evidence=evidence,
        )

    def _cell(self, column: str) -> str:
        at = self._places.get(column, -1)
        return self._cells[at] if 0 <= at < len(self._cells) else ""

    def _flag(self, column: str) -> bool | None:
        text = self._cell(column).strip().casefold()
        if text not in _FLAGS:
            self._problems.add(self._file, self._line, f"{column} has to be true or false")
        return _FLAGS.get(text)

    def _time(self, column: str) -> datetime | UnsetType | None:
        """A time in UTC; None for never, UNSET where nothing is said."""
        stripped = self._cell(column).strip()
        if not stripped:
            return UNSET
        if stripped.casefold() in _NEVER:
            return None
        try:
            moment = datetime.fromisoformat(stripped)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            hint = "write one such as 2026-06-30T12:00:00Z, or never"
            self._problems.add(self._file, self._line, f"{column} is not a time; {hint}")
            return UNSET
