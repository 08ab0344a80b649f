"""Sign a bundle: a DSSE envelope over an in-toto statement of all its files, with an Ed25519 key.

The envelope carries the public key, so that it can be looked at without anything else. That alone proves little:
whoever exchanges the files can exchange the key too. What counts is the key that its owner gave out by another way.
"""

from binascii import Error as NoBase64
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import DecodeError, Struct, json

from accesssync.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:accesssync:bundle:1"

State = Literal["unsigned", "by_given_key", "by_own_key", "by_other_key", "invalid"]
"""`by_given_key`: by the key whose owner the reader knows. `by_own_key`: by the key that the envelope carries, and
nobody said whose that is. `by_other_key`: soundly, but not by the given key."""


class Signature(Struct, frozen=True, kw_only=True):
    """What an envelope proves. `hashes` are those of the files it was made over, by path; empty unless it is sound."""

    state: State
    fingerprint: str | None = None
    hashes: Mapping[str, str] = {}


UNSIGNED: Final = Signature(state="unsigned")


def private_key(text: str) -> "Ed25519PrivateKey":
    """A private key from its PEM. UsageError says what it is instead; it never shows the text."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    wrong = None
    try:
        key = load_pem_private_key(text.encode(), None)
        if isinstance(key, Ed25519PrivateKey):
            return key
        wrong = "is not an Ed25519 key"
    except TypeError:
        wrong = "is protected by a passphrase"
    except (ValueError, UnsupportedAlgorithm):
        wrong = "is a public key" if "PUBLIC KEY" in text else "is not a private key in PEM"
    # Raised out here because an error raised above would carry the library's, and that perhaps the text.
    raise UsageError(f"the signing key {wrong}", remedy="make one with: accesssync evidence keygen FILE")


def public_key(text: str) -> "Ed25519PublicKey":
    """A public key from its PEM. UsageError says what it is instead."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text.encode())
        if isinstance(key, Ed25519PublicKey):
            return key
        wrong = "is not an Ed25519 key"
    except (ValueError, UnsupportedAlgorithm):
        private = "PRIVATE KEY" in text
        wrong = "is a private key, which nobody else should have" if private else "is not a public key in PEM"
    raise UsageError(f"the given key {wrong}", remedy="give the .pub file that accesssync evidence keygen made")


def fingerprint(key: "Ed25519PublicKey") -> str:
    """By what people tell keys apart: SHA-256 of the key as DER, as openssl and sha256sum give it too."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_pem(key: "Ed25519PublicKey") -> str:
    """The key as PEM, as it is given out."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_private_pem() -> str:
    """A new private key as PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def sign(hashes: Mapping[str, str], facts: Mapping[str, Any], key: "Ed25519PrivateKey") -> bytes:
    """An envelope over the SHA-256 hashes of files by path. `facts` are signed with them, for people to read."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

    public = key.public_key()
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": path, "digest": {"sha256": digest}} for path, digest in sorted(hashes.items())],
        "predicateType": PREDICATE_TYPE,
        "predicate": {**facts, "public_key": public_pem(public)},
    }
    envelope = Envelope(json.encode(statement), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key, SSlibKey.from_crypto(public, keyid=fingerprint(public))))
    return _written(envelope.to_dict())


def check(text: bytes | None, given: "Ed25519PublicKey | None") -> Signature:
    """What the envelope proves, to somebody who has the `given` key or none. Never an error: it is a stranger's."""
    if text is None:
        return UNSIGNED
    try:
        return _checked(text, given)
    except (DecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError, NoBase64, UsageError):
        return Signature(state="invalid")


def _checked(text: bytes, given: "Ed25519PublicKey | None") -> Signature:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError, VerificationError
    from securesystemslib.signer import SSlibKey

    try:
        envelope = Envelope.from_dict(json.decode(text))
    except FormatError:
        raise ValueError("no base64") from None
    # Only the bytes that we write: base64 and JSON can say the same in many ways, and each would be an unseen edit.
    if _written(envelope.to_dict()) != text:
        raise ValueError("not as it was written")
    statement = json.decode(envelope.payload)
    own = public_key(statement["predicate"]["public_key"])
    states: list[tuple[Ed25519PublicKey | None, State]] = [
        (given, "by_given_key"),
        (own, "by_other_key" if given else "by_own_key"),
    ]
    for key, state in states:
        if key is None:
            continue
        mark = fingerprint(key)
        try:
            envelope.verify([SSlibKey.from_crypto(key, keyid=mark)], 1)
        except VerificationError:
            continue
        kinds = (envelope.payload_type, statement["_type"], statement["predicateType"])
        if kinds != (PAYLOAD_TYPE, STATEMENT_TYPE, PREDICATE_TYPE):
            break
        hashes = {str(one["name"]): str(one["digest"]["sha256"]) for one in statement["subject"]}
        return Signature(state=state, fingerprint=mark, hashes=hashes)
    return Signature(state="invalid")


def _written(envelope: Mapping[str, Any]) -> bytes:
    return json.format(json.encode(envelope), indent=1) + b"\n"
