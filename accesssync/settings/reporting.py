"""How reports are made."""

from pydantic import BaseModel

from accesssync.settings.declare import setting


class Reporting(BaseModel):
    """How reports are made."""

    report_browser: str | None = setting(
        "ACCESSSYNC_REPORT__BROWSER",
        None,
        "program",
        "Chromium or Chrome that prints the page to PDF; where unset, one is looked for on PATH.",
        "/usr/bin/chromium",
        min_length=1,
    )
