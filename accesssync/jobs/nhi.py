"""Score the identities of a CSV file: no database, no network."""

import csv
import io
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

Document = dict[str, Any]

LONGEST_FIELD = 16 * 1024 * 1024
"""Characters of a field from which the file is taken for broken."""

_IN_MEMORY = 4 * 1024 * 1024
_SEPARATORS = ",;\t|"
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

    The whole file is checked before the first answer, so that a broken one gives a UsageError with file and line
    and nothing else. Memory does not grow with the file.
    """
    with closing(_opened(path)) as content:
        for _ in _subjects(content, path):
            pass
        content.seek(0)
        for row, subject in enumerate(_subjects(content, path), start=1):
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


def _encoding(content: IO[bytes]) -> str:
    start = content.read(4)
    content.seek(0)
    return "utf-16" if start[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"


def _subjects(content: IO[bytes], path: Path) -> Iterator[Subject]:
    lines = io.TextIOWrapper(content, encoding=_encoding(content), errors="replace", newline="")
    before = csv.field_size_limit(LONGEST_FIELD)
    number = 1
    try:
        header = _first_line(lines, path)
        number += header.count("\n") or 1
        separator = max(_SEPARATORS, key=header.count)
        names = next(csv.reader([header], delimiter=separator, strict=True), [])
        columns = _positions(names, path)
        reader = csv.reader(lines, delimiter=separator, strict=True)
        started = number
        for cells in reader:
            if cells:
                yield _subject(cells, columns, path, number)
            number = started + reader.line_num
    except csv.Error as error:
        what = "a field is too long, or a quote is not closed" if "limit" in str(error) else _quoting(error)
        raise UsageError(
            f"{path}, line {number}: {what}", remedy="quote fields as CSV does, doubling inner quotes"
        ) from None
    except UnicodeError:
        raise UsageError(
            f"{path}, line {number}: not text in {_encoding(content)}", remedy="save it as UTF-8"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or 'input/output error'}") from error
    finally:
        csv.field_size_limit(before)
        lines.detach()


def _quoting(error: csv.Error) -> str:
    return "a quote is not closed" if "end of data" in str(error) else "text after a closing quote"


def _first_line(lines: IO[str], path: Path) -> str:
    """The header, whatever blank lines stand before it."""
    while line := lines.readline(LONGEST_FIELD):
        if line.strip("\r\n\x00 "):
            return line.replace("\x00", "")
    raise UsageError(f"{path}, line 1: the file is empty", remedy="it needs a header with email, name or handle")


def _positions(header: list[str], path: Path) -> Mapping[str, int]:
    found: dict[str, int] = {}
    given = [name.strip().strip("\ufeff").casefold().replace(" ", "_") for name in header]
    for column, spellings in _COLUMNS.items():
        for spelling in spellings:
            if spelling in given and column not in found:
                found[column] = given.index(spelling)
    if not found.keys() & {"email", "name", "handle"}:
        raise UsageError(f"{path}, line 1: no column is called email, name or handle", remedy="name the columns")
    return found


def _subject(cells: list[str], columns: Mapping[str, int], path: Path, line: int) -> Subject:
    def cell(column: str) -> str:
        at = columns.get(column, -1)
        return cells[at] if 0 <= at < len(cells) else ""

    evidence = None
    if len(columns) > 3 and columns.keys() & {"status", "mfa_enabled", "created_at", "last_login_time"}:
        evidence = Evidence(
            status=cell("status") or None,
            created_at=_time(cell("created_at"), "created_at", path, line) or None,
            last_login_at=_time(cell("last_login_time"), "last_login_time", path, line),
            mfa_enabled=_flag(cell("mfa_enabled"), "mfa_enabled", path, line),
        )
    return Subject(
        email=cell("email"),
        name=cell("name"),
        handle=cell("handle"),
        title=cell("title") or None,
        service_account=_flag(cell("service_account"), "service_account", path, line),
        evidence=evidence,
    )


def _flag(text: str, column: str, path: Path, line: int) -> bool | None:
    try:
        return _FLAGS[text.strip().casefold()]
    except KeyError:
        raise UsageError(f"{path}, line {line}: {column} has to be true or false") from None


def _time(text: str, column: str, path: Path, line: int) -> datetime | UnsetType | None:
    """A time in UTC; None for never, UNSET where nothing is said."""
    stripped = text.strip()
    if not stripped:
        return UNSET
    if stripped.casefold() in _NEVER:
        return None
    try:
        moment = datetime.fromisoformat(stripped)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        remedy = "write a time such as 2026-06-30T12:00:00Z, or never"
        raise UsageError(f"{path}, line {line}: {column} is not a time", remedy=remedy) from None
