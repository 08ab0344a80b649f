"""What stands behind reports: who signs them."""

from pathlib import Path

from pydantic import BaseModel, SecretStr

from accesssync.settings.declare import setting


class Evidence(BaseModel):
    """What stands behind reports: who signs them."""

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
