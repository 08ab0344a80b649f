"""What stands behind reports: who signs them, and what pseudonyms of people are made with."""

from pathlib import Path

from pydantic import BaseModel, SecretStr

from accesssync.settings.declare import setting
from accesssync.settings.values import PseudonymKey


class Evidence(BaseModel):
    """What stands behind reports: who signs them, and what pseudonyms of people are made with."""

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
    pseudonym_key: PseudonymKey | None = setting(
        "ACCESSSYNC_PSEUDONYM_KEY",
        None,
        "secret",
        "What pseudonyms in reports are made with, at least 16 letters; where unset, a key that the database keeps.",
        "a-long-text-that-nobody-guesses",
    )
