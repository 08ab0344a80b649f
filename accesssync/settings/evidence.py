"""The reports that the worker writes, and what stands behind reports: who signs them."""

from pathlib import Path

from pydantic import BaseModel, SecretStr

from accesssync.settings.declare import setting


def _default_reports() -> Path:
    from platformdirs import user_state_path

    return user_state_path("accesssync", appauthor=False) / "reports"


class Evidence(BaseModel):
    """The reports that the worker writes, and what stands behind reports: who signs them."""

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

    signing_key: SecretStr | None = setting(
        "ACCESSSYNC_SIGNING_KEY",
        None,
        "secret",
        "Ed25519 private key in PEM that signs reports; where unset, they are not signed.",
        "-----BEGIN PRIVATE KEY-----...",
    )
    signing_key_file: Path | None = setting(
        "ACCESSSYNC_SIGNING_KEY_FILE",
        None,
        "file",
        "Holds that key, instead of ACCESSSYNC_SIGNING_KEY; made with: accesssync evidence keygen FILE.",
        "/etc/accesssync/signing.pem",
    )
