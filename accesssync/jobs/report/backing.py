"""What stands behind a report beside the store: the settings by their hash, the keys that read, the key that signs."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import SecretStr

from accesssync.datadog.sites import SITES
from accesssync.jobs.evidence import signing_key
from accesssync.model.coverage import CoverageState, Resource
from accesssync.model.credential import Credential
from accesssync.reports.material import Material
from accesssync.settings import OrgSettings, Settings
from accesssync.store.runs import Observed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ENOUGH = 16
"""Permissions that are named; of more, how many there are."""


class Reader(Struct, frozen=True, kw_only=True):
    """How the settings read one organization. Of the keys no more than what every listing shows: how they end."""

    foreign_host: str | None
    """The host that is asked where that is no site of Datadog."""
    api_key_end: str | None
    app_key_end: str | None
    page_size: int


class Backing(Struct, frozen=True, kw_only=True):
    """What stands behind a report."""

    config_hash: str = ""
    key: "Ed25519PrivateKey | None" = None
    """What signs it; None where nobody does."""
    pseudonym_key: SecretStr | None = None
    readers: Mapping[str, Reader] = {}
    """By organization; none for one that the settings no longer name."""


def backing_of(settings: Settings) -> Backing:
    """What the settings put behind a report. ConfigurationError for a signing key that cannot be used."""
    readers = {one.name: _reader(one, settings) for one in settings.organizations()}
    return Backing(
        config_hash=settings.configuration_hash(),
        key=signing_key(settings),
        pseudonym_key=settings.pseudonym_key,
        readers=readers,
    )


def _reader(org: OrgSettings, settings: Settings) -> Reader:
    host = urlsplit(org.api_base).netloc
    known = any(host == site or host.endswith(f".{site}") for site in SITES)
    keys = [key.get_secret_value()[-4:] if key else None for key in (org.api_key, org.app_key)]
    return Reader(
        foreign_host=None if known else host,
        api_key_end=keys[0],
        app_key_end=keys[1],
        page_size=settings.page_size,
    )


def credentials_used(
    reader: Reader | None, observed: Mapping[Resource, Observed], material: Material
) -> tuple[str, ...]:
    """Which keys read the organization, as its own listings tell of them, and what they were denied."""
    if reader is None:
        return ("not known: the settings do not name this organization any more",)
    told = list(_keys(reader, material))
    denied = [
        f"{resource.value.replace('_', ' ')}: {one.coverage.reason or 'denied'}"
        for resource, one in sorted(observed.items())
        if one.coverage.state is CoverageState.DENIED
    ]
    return (*told, f"missing: {'; '.join(denied)}" if denied else "missing: nothing that the run asked for")


def _keys(reader: Reader, material: Material) -> Iterator[str]:
    for kind, end in (("application_key", reader.app_key_end), ("api_key", reader.api_key_end)):
        if end is None:
            continue
        alike = [one for one in material.picture.access.credentials if one.type == kind and one.last4 == end]
        what = f"{kind.replace('_', ' ').replace('api', 'API')} ..{end}"
        if len(alike) == 1:
            yield f"{what}, {_described(alike[0], material)}"
        else:
            yield f"{what}, of which the listings tell no more ({len(alike) or 'none'} of them end like it)"


def _described(key: Credential, material: Material) -> str:
    owner = material.picture.access.identities.get(key.owner_id or key.created_by_id or "")
    relation = "of" if key.owner_id else "made by"
    parts = [f"id {key.id}", f"{relation} {owner.subject if owner else 'somebody who is not listed'}"]
    if key.owner_id and owner:
        access = material.picture.access
        held = access.unpack(access.held(owner))
        named = ", ".join(held[:_ENOUGH]) + (f" and {len(held) - _ENOUGH} more" if len(held) > _ENOUGH else "")
        parts.append(f"whose permissions are {named or 'none'}")
        parts.append(_scopes(key))
    return ", ".join(parts)


def _scopes(key: Credential) -> str:
    if not key.scopes_known:
        return "scopes not known"
    return "unscoped" if key.scopes is None else f"scoped to {', '.join(key.scopes) or 'nothing'}"
