"""A plan's file says exactly what was planned, and an approval is of exactly that."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from accesssync.errors import RefusedError, UsageError
from accesssync.provision.approval import Approval, accept, sign, verify
from accesssync.provision.plan import digest_of, document, read_plan
from tests.provision.builders import ADMIN, organization, person, plan, public_half, wish

TEXT = wish("users:", "  - {email: eve@example.com, roles: [role-read]}", "absent:", "  - email: ada@example.com")


def content() -> bytes:
    return json.encode(document(plan(TEXT, organization(person("ada", ADMIN)))))


def test_a_plan_is_read_as_it_was_written() -> None:
    made = plan(TEXT, organization(person("ada", ADMIN)))
    read, digest = read_plan(json.encode(document(made)), "plan.json")
    assert (read, digest) == (made, digest_of(made))


def test_the_digest_depends_on_everything_that_was_planned_from() -> None:
    made = plan(TEXT, organization(person("ada", ADMIN)))
    again = plan(TEXT, organization(person("ada", ADMIN)))
    assert digest_of(made) == digest_of(again)
    other = organization(person("ada", ADMIN), person("bob"))
    digests = {
        digest_of(made),
        digest_of(plan(TEXT, other)),
        digest_of(replace(made, expires_at=made.expires_at + timedelta(seconds=1))),
        digest_of(replace(made, author="eve")),
        digest_of(replace(made, actions=made.actions[::-1])),
    }
    assert len(digests) == 5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"eve@example.com", b"mallory@example.com"),
        (b'"acme"', b'"emea"'),
        (b"role-read", b"role-admin"),
        (b'"number":1', b'"number":1,"sneaky":true'),
        (b'"privileged":true', b'"privileged":false'),
        (b"provision_plan/1", b"provision_plan/2"),
        (b"{", b"["),
    ],
)
def test_an_edited_file_is_no_plan(old: bytes, new: bytes) -> None:
    whole = content()
    assert old in whole
    with pytest.raises(RefusedError, match="edited"):
        read_plan(whole.replace(old, new), "plan.json")


@pytest.mark.parametrize("junk", [b"", b"{}", b"null", b"[" * 100_000, b"\xff", b'{"schema": 1}'])
def test_something_else_is_no_plan(junk: bytes) -> None:
    with pytest.raises(RefusedError):
        read_plan(junk, "plan.json")


@pytest.fixture
def key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_an_approval_is_of_one_plan_of_one_organization_by_one_person(key: bytes) -> None:
    keys = {"bob": public_half(key), "eve": public_half(key)}
    given = sign(key, "digest", "acme", "bob")
    assert verify(given, keys)
    assert accept(given, "ada", keys)
    for other in (
        replace(given, plan="other"),
        replace(given, org="emea"),
        replace(given, approver="eve"),
        replace(given, signature=""),
        replace(given, signature="!"),
    ):
        assert not verify(other, keys)


def test_nobody_approves_their_own_plan_or_without_a_listed_key(key: bytes) -> None:
    keys = {"bob": public_half(key)}
    with pytest.raises(RefusedError, match="cannot approve"):
        accept(sign(key, "digest", "acme", "bob"), "bob", keys)
    with pytest.raises(RefusedError, match="ACCESSSYNC_APPROVERS"):
        accept(sign(key, "digest", "acme", "dan"), "ada", keys)
    with pytest.raises(RefusedError, match="signature"):
        accept(Approval(plan="digest", org="acme", approver="bob"), "ada", keys)


def test_without_keys_an_approval_is_taken_and_not_called_verified() -> None:
    assert accept(Approval(plan="digest", org="acme", approver="bob"), "ada", {}) is False


def test_a_file_that_is_no_private_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Ed25519"):
        sign(tmp_path.name.encode(), "digest", "acme", "bob")
