"""Keys that sign: only the right kind is taken, and none is ever shown."""

import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from accesssync.errors import ConfigurationError, UsageError
from accesssync.evidence.sign import new_private_pem, private_key, public_key, public_pem
from accesssync.jobs.evidence import make_key, signing_key
from accesssync.settings import load


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> str:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection).decode()


PEM = new_private_pem()
OTHER_KIND = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (pem(OTHER_KIND), "is not an Ed25519 key"),
        (pem(ed25519.Ed25519PrivateKey.generate(), b"secret"), "is protected by a passphrase"),
        (public_pem(private_key(PEM).public_key()), "is a public key"),
        (PEM[:60] + "!" + PEM[61:], "is not a private key in PEM"),
        ("", "is not a private key in PEM"),
        ("canary" * 10, "is not a private key in PEM"),
    ],
    ids=["other kind", "passphrase", "public", "damaged", "empty", "text"],
)
def test_a_wrong_signing_key_is_refused_with_what_it_is_and_never_shown(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        private_key(text)
    assert caught.value.__context__ is None
    shown = "".join(traceback.format_exception(caught.value))
    assert not [line for line in text.splitlines() if line and line in shown]


def test_a_wrong_public_key_is_refused_with_what_it_is() -> None:
    with pytest.raises(UsageError, match="is a private key"):
        public_key(PEM)
    with pytest.raises(UsageError, match="not an Ed25519 key"):
        public_key(OTHER_KIND.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    with pytest.raises(UsageError, match="not a public key in PEM"):
        public_key("x")


def test_the_key_of_the_settings_may_be_on_one_line_and_is_kept_out_of_logs_line_by_line(tmp_path: Path) -> None:
    one_line = PEM.replace("\n", "\\n")
    given = load(environ={"ACCESSSYNC_SIGNING_KEY": PEM})
    assert set(PEM.splitlines()[1:-1]) <= set(given.secrets())
    for text in (PEM, one_line):
        key = signing_key(load(environ={"ACCESSSYNC_SIGNING_KEY": text}))
        assert key is not None
        assert key.private_bytes_raw() == private_key(PEM).private_bytes_raw()
    path = tmp_path / "key.pem"
    path.write_text(PEM)
    key = signing_key(load(environ={"ACCESSSYNC_SIGNING_KEY_FILE": str(path)}))
    assert key is not None
    assert signing_key(load(environ={})) is None


def test_settings_that_name_no_usable_key_are_refused_by_their_variable(tmp_path: Path) -> None:
    path = str(tmp_path / "key.pem")
    with pytest.raises(ConfigurationError, match="ACCESSSYNC_SIGNING_KEY_FILE names a file that cannot be read"):
        signing_key(load(environ={"ACCESSSYNC_SIGNING_KEY_FILE": path}))
    with pytest.raises(ConfigurationError, match="both ACCESSSYNC_SIGNING_KEY and"):
        signing_key(load(environ={"ACCESSSYNC_SIGNING_KEY_FILE": path, "ACCESSSYNC_SIGNING_KEY": PEM}))
    with pytest.raises(ConfigurationError, match="ACCESSSYNC_SIGNING_KEY cannot be used: the signing key is not"):
        signing_key(load(environ={"ACCESSSYNC_SIGNING_KEY": "canary"}))


def test_a_new_key_is_private_and_takes_nobodys_place(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    made = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_key((tmp_path / "signing.pem.pub").read_text()) == private_key(path.read_text()).public_key()
    assert len(made["fingerprint"]) == 64
    before = path.read_text()
    for taken in (path, tmp_path / "signing.pem.pub"):
        with pytest.raises(UsageError, match="exists already"):
            make_key(path)
        taken.unlink()
        path.write_text(before)
    with pytest.raises(UsageError, match=r"signing\.pem exists already"):
        make_key(path)
    assert path.read_text() == before
