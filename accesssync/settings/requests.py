"""How Datadog is asked: how much at once, how long, how often."""

from pydantic import BaseModel

from accesssync.settings.declare import setting


class Requests(BaseModel):
    """How Datadog is asked: how much at once, how long, how often."""

    concurrency: int = setting(
        "ACCESSSYNC_CONCURRENCY", 8, "requests", "Requests under way at once per organization.", 8, ge=1, le=32
    )
    page_size: int = setting(
        "ACCESSSYNC_PAGE_SIZE",
        1000,
        "records",
        "Largest page asked for where the API allows over 100.",
        1000,
        ge=1,
        le=5000,
    )
    connect_timeout: float = setting(
        "ACCESSSYNC_CONNECT_TIMEOUT", 5.0, "seconds", "How long a connection may take to open.", 5, ge=0.1, le=120
    )
    read_timeout: float = setting(
        "ACCESSSYNC_READ_TIMEOUT", 30.0, "seconds", "How long an open connection may stay silent.", 30, ge=0.1, le=600
    )
    request_deadline: float = setting(
        "ACCESSSYNC_REQUEST_DEADLINE", 60.0, "seconds", "How long one attempt of a request may take.", 60, ge=1, le=3600
    )
    run_deadline: float = setting(
        "ACCESSSYNC_RUN_DEADLINE",
        1800.0,
        "seconds",
        "How long a run of one organization may take.",
        1800,
        ge=1,
        le=86400,
    )
    max_attempts: int = setting(
        "ACCESSSYNC_MAX_ATTEMPTS", 5, "attempts", "How often one request is tried before it has failed.", 5, ge=1, le=20
    )
    max_rate_limit_wait: float = setting(
        "ACCESSSYNC_MAX_RATE_LIMIT_WAIT",
        300.0,
        "seconds",
        "What a run may wait for the rate limit.",
        300,
        ge=0,
        le=86400,
    )
    rate_limit_share: int = setting(
        "ACCESSSYNC_RATE_LIMIT_SHARE", 20, "percent", "Share of the rate limit that is left to others.", 20, ge=0, le=90
    )
    listing_passes: int = setting(
        "ACCESSSYNC_LISTING_PASSES", 3, "passes", "How often a listing is read to prove it complete.", 3, ge=1, le=10
    )
    max_body_bytes: int = setting(
        "ACCESSSYNC_MAX_BODY_BYTES",
        2**25,
        "bytes",
        "Largest answer read, once decompressed.",
        2**25,
        ge=2**16,
        le=2**30,
    )
