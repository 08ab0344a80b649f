"""Approvals: somebody else's signature under the digest of a plan."""

from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Mapping

from msgspec import Struct

from accesssync.errors import RefusedError, UsageError

PREFIX = "accesssync approval of plan"


class Approval(Struct, frozen=True, kw_only=True):
    """Who approved which plan. `signature` is base64, empty where somebody only said so."""

    plan: str
    org: str
    approver: str
    signature: str = ""


def signed_text(plan: str, org: str, approver: str) -> bytes:
    """What is signed: nothing that could be taken for anything else."""
    return "\n".join((PREFIX, plan, org, approver)).encode()


def sign(private_key: bytes, plan: str, org: str, approver: str) -> Approval:
    """Approve with an Ed25519 key in PEM form. UsageError for anything else."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(private_key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            "the key file holds no Ed25519 private key without a passphrase",
            remedy="make one: openssl genpkey -algorithm ed25519 -out approver.pem",
        )
    signature = b64encode(key.sign(signed_text(plan, org, approver))).decode()
    return Approval(plan=plan, org=org, approver=approver, signature=signature)


def verify(approval: Approval, keys: Mapping[str, str]) -> bool:
    """Whether the approver's key, as the settings list it, made this signature."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = keys.get(approval.approver)
    if public is None:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(public, validate=True))
        text = signed_text(approval.plan, approval.org, approval.approver)
        key.verify(b64decode(approval.signature, validate=True), text)
    except (InvalidSignature, NoBase64, ValueError):
        return False
    return True


def accept(approval: Approval, author: str, keys: Mapping[str, str]) -> bool:
    """Check an approval; tell whether it is verified. RefusedError where it is none.

    With keys in the settings only a signature by one of them counts. Without, the word of whoever runs the command is
    taken, and recorded as such.
    """
    if approval.approver == author:
        raise RefusedError(
            f"{author} made this plan and cannot approve it", org=approval.org, remedy="ask somebody else"
        )
    if not keys:
        return False
    if approval.approver not in keys:
        raise RefusedError(
            f"{approval.approver} is not among ACCESSSYNC_APPROVERS",
            org=approval.org,
            remedy=f"approve as one of {', '.join(sorted(keys))}",
        )
    if not verify(approval, keys):
        raise RefusedError(
            f"the signature is not by the key that ACCESSSYNC_APPROVERS lists for {approval.approver}",
            org=approval.org,
            remedy="approve with --key and the private half of that key",
        )
    return True
