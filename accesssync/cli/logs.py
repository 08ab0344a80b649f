"""The log on stderr."""

import sys
from collections.abc import Mapping
from typing import Any

import structlog

from accesssync.cli.visible import visible


def write(form: str, event: str, text: str, level: str, details: Mapping[str, object]) -> None:
    """One event: a line of text, or one JSON object with `event`, `level`, `timestamp`, `message` and the details."""
    if form == "text":
        sys.stderr.write(f"{level}: {visible(text)}\n")
        sys.stderr.flush()
        return
    logger = _json_logger()
    getattr(logger, level)(event, message=text, **dict(details))


def _json_logger() -> Any:
    return structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
