"""Third parties that hold Datadog keys: recognise them, and say where a key is broader than they need."""

import tomllib
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Literal

from msgspec import Struct, convert

from accesssync.nhi.tokens import fold, words_of
from accesssync.nhi.verdict import Kind


class Vendor(Struct, frozen=True, forbid_unknown_fields=True):
    """What a third party is called and what it needs. `scopes` None: not known, or it depends on the use."""

    id: str
    name: str
    kind: Kind
    recognise: tuple[str, ...]
    api_key: bool
    application_key: bool
    holds_key: bool
    status: Literal["documented", "partly", "unverified"]
    note: str
    scopes: tuple[str, ...] | None = None


class Excess(Struct, frozen=True):
    """Why a key is broader than its vendor needs. `scopes` are the ones too many; None where the key has no bounds."""

    text: str
    scopes: tuple[str, ...] | None
    verified: bool


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    vendors: tuple[Vendor, ...]


@cache
def vendors() -> tuple[Vendor, ...]:
    """All that are known, in the order of the data file."""
    content = (files("accesssync.nhi") / "data" / "vendors.toml").read_text("utf-8")
    return convert(tomllib.loads(content), type=_File).vendors


@cache
def _by_word() -> dict[tuple[str, ...], Vendor]:
    return {tuple(text.split()): one for one in vendors() for text in one.recognise}


@cache
def _known() -> frozenset[str]:
    return frozenset(word for words in _by_word() for word in words)


def recognise_vendor(name: str | None, own_names: Collection[str] = ()) -> Vendor | None:
    """The vendor in the name of a key, a user or an OAuth client, by whole words; the first one that is named.

    `own_names` are the organization's own names: Slack's own people do not make a vendor of Slack.
    """
    words = words_of(fold(name), _known())
    own = {word for text in own_names for word in words_of(fold(text), _known())}
    table = _by_word()
    for at, word in enumerate(words):
        for found in (table.get(tuple(words[at : at + 2])), table.get((word,))):
            if found and not own.intersection(words_of(found.name, _known())):
                return found
    return None


def broader_than_needed(vendor: Vendor, scopes: Collection[str] | None) -> Excess | None:
    """What an application key has beyond its vendor's need; None where nothing is known to be too much.

    `scopes` None is a key without scopes: it may do whatever its owner may.
    """
    verified = vendor.status == "documented"
    if not vendor.application_key:
        why = "an API key is enough" if vendor.api_key else "it needs no Datadog key"
        text = f"{vendor.name} needs no application key: {why}"
        return Excess(text, None if scopes is None else tuple(sorted(scopes)), verified)
    if scopes is None:
        # True for every vendor, whatever it needs: nobody needs all that the owner may do.
        return Excess(f"the key has no scopes: {vendor.name} may do whatever its owner may", None, True)
    if vendor.scopes is None:
        return None
    extra = tuple(sorted(set(scopes) - set(vendor.scopes)))
    if not extra:
        return None
    return Excess(
        f"{vendor.name} needs {', '.join(vendor.scopes)}; this key also has {', '.join(extra)}", extra, verified
    )


def excess_of_credential(
    vendor: Vendor, credential_type: str, scopes: Collection[str] | None, *, scopes_known: bool
) -> Excess | None:
    """What a credential of any type has beyond its vendor's need; None where nothing is known to be too much.

    An API key cannot be bounded: it is too much only for whoever needs none. What an OAuth client may do is what
    people allowed it, so only scopes beyond a known need are told.
    """
    if credential_type == "api_key":
        if vendor.api_key:
            return None
        return Excess(f"{vendor.name} needs no API key", None, vendor.status == "documented")
    if not scopes_known:
        return None
    if credential_type == "oauth_client" and (scopes is None or not vendor.scopes):
        return None
    return broader_than_needed(vendor, scopes)


def excess_of_user(vendor: Vendor, privileged: Collection[str]) -> Excess | None:
    """What an identity that a vendor uses may do beyond the vendor's need, of the privileged permissions alone.

    None where the need is not known: a tool that manages everything may need much.
    """
    if vendor.scopes is None:
        return None
    extra = tuple(sorted(set(privileged) - set(vendor.scopes)))
    if not extra:
        return None
    shown = ", ".join(extra[:3]) + (f" and {len(extra) - 3} more" if len(extra) > 3 else "")
    needs = ", ".join(vendor.scopes) or "no permission of a user"
    text = f"{vendor.name} needs {needs}; its user is privileged by {shown}"
    return Excess(text, extra, vendor.status == "documented")
