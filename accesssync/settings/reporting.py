"""How reports are made, and where the worker leaves them."""

from pathlib import Path

from pydantic import BaseModel

from accesssync.settings.declare import setting


def _default_reports() -> Path:
    from platformdirs import user_state_path

    return user_state_path("accesssync", appauthor=False) / "reports"


class Reporting(BaseModel):
    """How reports are made, and where the worker leaves them."""

    report_browser: str | None = setting(
        "ACCESSSYNC_REPORT__BROWSER",
        None,
        "program",
        "Chromium or Chrome that prints the page to PDF; where unset, one is looked for on PATH.",
        "/usr/bin/chromium",
        min_length=1,
    )
    report_dir: Path = setting(
        "ACCESSSYNC_REPORT__DIR",
        _default_reports,
        "directory",
        "Where the worker writes its reports, each into a directory named by its time.",
        "/srv/accesssync/reports",
    )
    report_keep: int = setting(
        "ACCESSSYNC_REPORT__KEEP",
        14,
        "reports",
        "How many of them are kept; the oldest go first. 0 keeps all.",
        30,
        ge=0,
        le=10_000,
    )
    report_format: str | None = setting(
        "ACCESSSYNC_REPORT__FORMAT",
        None,
        "list of formats",
        "Which files they have; where unset, the same as: accesssync report.",
        "csv,json",
    )
