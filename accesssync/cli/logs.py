"""The log on stderr: one line per event, whatever is in it, and no secret."""

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import structlog

from accesssync.datadog.scrub import Scrub
from accesssync.model.visible import visible

LEVELS = {"debug": "DEBUG", "info": "info ", "warning": "WARN ", "error": "ERROR"}
FOREIGN = {
    "apscheduler": logging.ERROR,
    "asyncio": logging.ERROR,
    "procrastinate": logging.ERROR,
    "psycopg": logging.CRITICAL,
}
"""From which level on the libraries of the worker are heard. What they say below that, we say in our own words."""


class Log:
    """Writes events as text or as JSON. `secrets` are taken out of everything, and what looks like a key.

    Text comes with the time where `dated`, as of a service; the lines of a command go without.
    """

    def __init__(self, form: str, secrets: Iterable[str] = (), *, dated: bool = False) -> None:
        self._form = form
        self._scrub = Scrub(secrets)
        self._dated = dated
        self._lock = Lock()

    def __call__(self, event: str, text: str, level: str = "info", **details: object) -> None:
        """One event: a line of text, or one JSON object with `event`, `level`, `timestamp`, `message`, the details."""
        if self._form == "text":
            when = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {LEVELS[level]} " if self._dated else f"{level}: "
            self._write(f"{when}{visible(self._scrub.text(text))}")
            return
        logger = structlog.wrap_logger(_Lines(self._write), processors=self._processors())
        getattr(logger, level)(event, message=text, **details)

    def _processors(self) -> list[Any]:
        return [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            self._redacted,
            structlog.processors.JSONRenderer(default=str),
        ]

    def _redacted(self, _logger: object, _method: str, event: Any) -> Mapping[str, Any]:
        return {name: self._scrub.text(value) if isinstance(value, str) else value for name, value in event.items()}

    def _write(self, line: str) -> None:
        with self._lock:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


class _Lines:
    """What structlog hands its finished lines to, by any of the levels' names."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.debug = self.info = self.warning = self.error = write


class _Foreign(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One line of a library. Not its traceback: that quotes whatever was being worked on."""
        cause = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        text = record.getMessage() + (f" ({cause})" if cause else "")
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log(f"library.{record.name}", f"{record.name}: {text}", level)


def hear_libraries(log: Log) -> None:
    """Let what the libraries of the worker complain about come by this log, in one line each."""
    handler = _Foreign(log)
    for name, level in FOREIGN.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.handlers = [handler]
        logger.propagate = False
