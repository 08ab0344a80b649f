"""Whose is a key that somebody found? Told from its text, which is looked at and not kept.

Datadog marks newer secrets with a prefix; older ones are known by their shape. Which one it is, the listings can say
only by what they show of a secret: its last four characters, or the public portion of a token.
"""

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from accesssync.model.credential import Credential, CredentialType

_PREFIXES = {
    "ddapp_": CredentialType.APPLICATION_KEY,
    "ddap_": CredentialType.APPLICATION_KEY,
    "ddpat_": CredentialType.PERSONAL_ACCESS_TOKEN,
    "ddsat_": CredentialType.SERVICE_ACCESS_TOKEN,
}
_SHAPES = {
    re.compile(r"[0-9a-f]{32}", re.IGNORECASE): CredentialType.API_KEY,
    re.compile(r"[0-9a-f]{40}", re.IGNORECASE): CredentialType.APPLICATION_KEY,
}
_CLIENT_TOKEN = re.compile(r"pub[0-9a-f]{32}", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"[0-9a-f]+", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SHOWN = 6
"""A public portion shorter than this is no proof of anything."""

By = Literal["last four characters", "public portion", "id"]


class Match(Struct, frozen=True):
    """A credential that it may be, and by what."""

    credential: Credential
    by: By


class Identification(Struct, frozen=True, kw_only=True):
    """What a found text is. It holds no part of the text.

    `type` is the kind its prefix or shape says, None where it says nothing; `basis` says which of the two. Several
    matches mean that any of them may be it: four characters are not many.
    """

    type: CredentialType | None
    basis: str
    matches: tuple[Match, ...]


def identify(text: str, credentials: Iterable[Credential]) -> Identification:
    """Which of these credentials a found secret may be. The text is neither kept nor repeated."""
    secret = text.strip().strip("\"'`").strip()
    for prefix, kind in _PREFIXES.items():
        if secret.startswith(prefix):
            return _matching(secret, kind, f"its prefix {prefix}", credentials)
    for shape, kind in _SHAPES.items():
        if shape.fullmatch(secret):
            return _matching(secret, kind, f"its shape: {len(secret)} hexadecimal digits", credentials)
    if _ID.fullmatch(secret):
        found = tuple(Match(one, "id") for one in credentials if one.id.casefold() == secret.casefold())
        return Identification(type=None, basis="it is an id, not a secret", matches=found)
    if _CLIENT_TOKEN.fullmatch(secret):
        basis = "its shape: a client token, which is public and in no listing that accesssync reads"
        return Identification(type=None, basis=basis, matches=())
    return Identification(type=None, basis="it has no prefix or shape of a Datadog secret", matches=())


def _matching(secret: str, kind: CredentialType, basis: str, credentials: Iterable[Credential]) -> Identification:
    candidates = (one for one in credentials if one.type == kind and one.last4)
    found = ((one, _match(secret, one.last4 or "")) for one in candidates)
    matches = tuple(Match(one, by) for one, by in found if by is not None)
    return Identification(type=kind, basis=basis, matches=matches)


def _match(secret: str, shown: str) -> By | None:
    if len(shown) == 4:
        end = secret[-4:]
        same = end == shown or (_HEXADECIMAL.fullmatch(secret) and end.casefold() == shown.casefold())
        return "last four characters" if same else None
    bare, part = _bare(secret), _bare(shown)
    return "public portion" if len(part) >= _SHOWN and bare.startswith(part) else None


def _bare(text: str) -> str:
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    return text
