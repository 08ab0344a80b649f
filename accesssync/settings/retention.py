"""How long things are kept."""

from pydantic import BaseModel

from accesssync.settings.declare import setting


class Retention(BaseModel):
    """How long things are kept."""

    retention_history: int = setting(
        "ACCESSSYNC_RETENTION__HISTORY",
        25,
        "months",
        "How long a fact that holds no more is kept; 0 for ever.",
        25,
        ge=0,
        le=1200,
    )
    retention_changes: int = setting(
        "ACCESSSYNC_RETENTION__CHANGES", 25, "months", "How long changes are kept; 0 for ever.", 25, ge=0, le=1200
    )
    retention_activity: int = setting(
        "ACCESSSYNC_RETENTION__ACTIVITY",
        25,
        "months",
        "How long former times of login and use are kept; 0 for ever.",
        25,
        ge=0,
        le=1200,
    )
    retention_runs: int = setting(
        "ACCESSSYNC_RETENTION__RUNS",
        25,
        "months",
        "How long the record of a run that nothing refers to is kept; 0 for ever.",
        25,
        ge=0,
        le=1200,
    )
