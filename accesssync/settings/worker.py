"""When the worker does its jobs, and how it works."""

from typing import Literal

from pydantic import BaseModel

from accesssync.settings.declare import setting
from accesssync.settings.values import Listening, ScheduleText


class Worker(BaseModel):
    """When the worker does its jobs, and how it works."""

    schedule_sync: ScheduleText = setting(
        "ACCESSSYNC_SCHEDULE__SYNC", "every 60m", "schedule", "When each organization is observed.", "every 60m"
    )
    schedule_evaluate: ScheduleText = setting(
        "ACCESSSYNC_SCHEDULE__EVALUATE",
        "every 6h",
        "schedule",
        "When every check runs again between syncs: some findings come of time alone.",
        "0 6 * * 1-5",
    )
    schedule_plan: ScheduleText = setting(
        "ACCESSSYNC_SCHEDULE__PLAN",
        "every 6h",
        "schedule",
        "When the access files are planned from, where ACCESSSYNC_ACCESS_FILES names any.",
        "every 1h",
    )
    schedule_watch: ScheduleText = setting(
        "ACCESSSYNC_SCHEDULE__WATCH",
        "off",
        "schedule",
        "When to look, in a few requests, for new holders of the most harmful permissions and for new keys.",
        "every 5m",
    )
    schedule_report: ScheduleText = setting(
        "ACCESSSYNC_SCHEDULE__REPORT",
        "off",
        "schedule",
        "When a report of all organizations is written into ACCESSSYNC_REPORT__DIR.",
        "0 5 * * 1",
    )
    schedule_forward: ScheduleText = setting(
        "ACCESSSYNC_SCHEDULE__FORWARD",
        "every 1m",
        "schedule",
        "When what waits to be published is delivered, where any stream is on.",
        "every 5m",
    )
    schedule_digest: ScheduleText = setting(
        "ACCESSSYNC_SCHEDULE__DIGEST",
        "off",
        "schedule",
        "When the digest of the last seven days is sent to where the alerts go, where they are on.",
        "0 7 * * 1",
    )
    schedule_retention: ScheduleText = setting(
        "ACCESSSYNC_SCHEDULE__RETENTION",
        "every 1d",
        "schedule",
        "When what is older than its retention is deleted.",
        "30 3 * * 0",
    )
    worker_mode: Literal["local", "queue"] = setting(
        "ACCESSSYNC_WORKER__MODE",
        "local",
        "local or queue",
        "Whether one process does everything, or any number share it through PostgreSQL.",
        "queue",
    )
    worker_slots: int = setting(
        "ACCESSSYNC_WORKER__SLOTS", 4, "jobs", "Jobs under way at once in local mode.", 4, ge=1, le=64
    )
    worker_health: Listening = setting(
        "ACCESSSYNC_WORKER__HEALTH",
        "127.0.0.1:8421",
        "address and port, or off",
        "Where /healthz, /readyz and /metrics answer.",
        "0.0.0.0:8421",
    )
    worker_stop_seconds: float = setting(
        "ACCESSSYNC_WORKER__STOP_SECONDS",
        4.0,
        "seconds",
        "How long work in hand may take to come to an end after SIGTERM.",
        4,
        ge=0.1,
        le=3600,
    )
    worker_grace: float = setting(
        "ACCESSSYNC_WORKER__GRACE",
        60.0,
        "seconds",
        "How long a job may go on after its deadline before the worker calls itself unhealthy.",
        60,
        ge=0.1,
        le=3600,
    )
    worker_end_when_stuck: bool = setting(
        "ACCESSSYNC_WORKER__END_WHEN_STUCK",
        False,
        "true or false",
        "Whether the worker ends with code 1 when a job does not stop, so that it is started again.",
        "true",
    )
    worker_longest_wait: float = setting(
        "ACCESSSYNC_WORKER__LONGEST_WAIT",
        60.0,
        "seconds",
        "What a job may wait for the rate limit at a time; for longer it makes room and comes back.",
        60,
        ge=0,
        le=3600,
    )
    worker_backoff_cap: float = setting(
        "ACCESSSYNC_WORKER__BACKOFF_CAP",
        86400.0,
        "seconds",
        "The longest pause between two tries of an organization that keeps failing.",
        86400,
        ge=1,
        le=2678400,
    )
    worker_heartbeat: float = setting(
        "ACCESSSYNC_WORKER__HEARTBEAT",
        10.0,
        "seconds",
        "How often a worker in queue mode says that it lives; after three times as long it is given up.",
        10,
        ge=0.5,
        le=600,
    )
