"""What accesssync installs: a dashboard, a log pipeline, monitors and detection rules, from the files in `data`."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from msgspec import Struct, json

from accesssync.errors import UsageError
from accesssync.forward.marks import digest, read_marks
from accesssync.model.installed import Body, Kind
from accesssync.model.operation import Operation

NEEDED: Final[Mapping[Kind, Operation]] = {
    Kind.DASHBOARD: Operation.WRITE_DASHBOARD,
    Kind.PIPELINE: Operation.WRITE_PIPELINE,
    Kind.MONITOR: Operation.WRITE_MONITOR,
    Kind.DETECTION_RULE: Operation.WRITE_DETECTION_RULE,
}
"""The operation that writes each kind; also their order: what shows comes before what watches."""

STALE_HOURS: Final = 4
"""Hours without a proven sync after which the monitor tells, unless somebody says otherwise."""

MOST_STALE_HOURS: Final = 720
_STALE_MONITOR: Final = "stale-sync"

_FILES: Final[Mapping[Kind, str]] = {
    Kind.DASHBOARD: "dashboard",
    Kind.PIPELINE: "pipeline",
    Kind.MONITOR: "monitors",
    Kind.DETECTION_RULE: "rules",
}
_HANDLE = re.compile(r"@[A-Za-z0-9][A-Za-z0-9._+@/:#\-]{0,199}")
_TOLD = re.compile(r"^Notify: (@\S.*)$", re.MULTILINE)
_STALE = re.compile(r"sync\.age_seconds\{[^}]*\} by \{[^}]*\} > (\d{1,9})")
_TOKEN = re.compile(r"<<(\w+)>>")


class Wanted(Struct, frozen=True):
    """One object as it is to be, without marks. `name` is its name among ours and never changes."""

    kind: Kind
    name: str
    body: Body

    @property
    def title(self) -> str:
        """What people see."""
        return str(self.body.get("title") or self.body.get("name"))


def wanted_objects(handles: Sequence[str] = (), stale_hours: int = STALE_HOURS) -> list[Wanted]:
    """Everything that is installed. `handles` are told of monitors and detection rules, as @slack-channel.

    Raises UsageError for a handle that Datadog would not understand.
    """
    for each in handles:
        if not _HANDLE.fullmatch(each):
            raise UsageError(f"{each!r} is no handle that Datadog notifies", remedy="write it like @slack-channel")
    words = _words(handles, stale_hours)
    return [Wanted(kind, each["name"], _filled(each["body"], words)) for kind in NEEDED for each in _read(kind)]


class Chosen(Struct, frozen=True):
    """Whom monitors and rules tell, and after how many hours the monitor of proven syncs does."""

    handles: tuple[str, ...]
    stale_hours: int


def chosen_before(installed: Mapping[str, Body]) -> Chosen:
    """What was chosen when these monitors and rules, by their names among ours, were installed.

    Their digests tell, whatever somebody made of them since; where no digest fits, what they say now counts.
    """
    said = [handles for body in installed.values() if (handles := _handles_in(body))]
    handles = next((each for each in (*said, ()) if _fits(installed, each, STALE_HOURS)), said[0] if said else ())
    stale = {name: body for name, body in installed.items() if name == _STALE_MONITOR}
    told = _STALE.search(str(stale.get(_STALE_MONITOR, {}).get("query", "")))
    now = min(max(1, int(told[1]) // 3600), MOST_STALE_HOURS) if told else STALE_HOURS
    hours = (each for each in (now, *range(1, MOST_STALE_HOURS + 1)) if _fits(stale, handles, each))
    return Chosen(handles, next(hours, now))


def _handles_in(body: Body) -> tuple[str, ...]:
    """Whom a monitor tells, in its message, or a rule, in its cases."""
    found = _TOLD.search(str(body.get("message", "")))
    cases = body.get("cases")
    listed = [each for case in cases for each in case.get("notifications") or ()] if isinstance(cases, list) else []
    named = found[1].split() if found else dict.fromkeys(map(str, listed))
    return tuple(each for each in named if _HANDLE.fullmatch(each))


def _fits(installed: Mapping[str, Body], handles: Sequence[str], stale_hours: int) -> bool:
    """Whether any of these is what would be installed with these choices."""
    words = _words(handles, stale_hours)
    for each in (*_read(Kind.MONITOR), *_read(Kind.DETECTION_RULE)):
        marks = read_marks(installed.get(each["name"], {}))
        if marks is not None and marks.content == digest(_filled(each["body"], words)):
            return True
    return False


def _words(handles: Sequence[str], stale_hours: int) -> dict[str, Any]:
    told = f"\n\nNotify: {' '.join(handles)}" if handles else ""
    return {"notify": told, "handles": list(handles), "stale_hours": stale_hours, "stale_seconds": stale_hours * 3600}


@cache
def _read(kind: Kind) -> list[dict[str, Any]]:
    text = files("accesssync.forward").joinpath("data", f"{_FILES[kind]}.json").read_bytes()
    found: list[dict[str, Any]] = json.decode(text)
    return found


def _filled(value: Any, words: Mapping[str, Any]) -> Any:
    """The value with every <<word>> replaced: by the thing itself where it stands alone, else by its text."""
    if isinstance(value, dict):
        return {name: _filled(each, words) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, words) for each in value]
    if not isinstance(value, str):
        return value
    alone = _TOKEN.fullmatch(value)
    return words[alone[1]] if alone else _TOKEN.sub(lambda found: str(words[found[1]]), value)
