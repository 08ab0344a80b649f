"""The inventory of what is not a person."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property, partial

from msgspec import UNSET

from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.datasets.identities import type_of
from accesssync.reports.material import Material

COLUMNS = (
    shared.ORG,
    Column("nhi_id", "id", "The id of the user record or of the OAuth client.", personal=True),
    Column("type", "text", f"{shared.TYPE.means[:-1]}; or oauth_client."),
    Column("kind", "text", "What kind of machine it is, or seems to be."),
    Column("name", "text", "Its name.", personal=True),
    shared.EMAIL,
    shared.STATUS,
    Column("owner", "text", "Who answers for it, as a file or a decision says.", personal=True),
    Column("owner_status", "text", "What Datadog says of that owner; empty where the owner is no user record."),
    Column("purpose", "text", "What it is for, as a file or a decision says.", personal=True),
    Column("environment", "text", "Empty: nothing declares it."),
    shared.ROLES,
    Column("tier", "text", shared.TIER.means),
    Column("keys_active", "count", "Application keys and tokens that act as it and work."),
    Column("oldest_key_days", "count", "The age in days of the oldest of them."),
    Column("last_used_at", "moment", "When one of its keys or tokens, or the client, was last used."),
    shared.LAST_LOGIN,
    Column("interactive_use", "flag", "Whether anybody ever logged in as it, which should be nobody."),
    Column("created_at", "moment", "When it was made."),
    Column("expires_at", "moment", "When the last of its keys and tokens ends; empty where one of them does not."),
    Column("human_email_pattern", "flag", "Whether its address looks like that of a person."),
    Column("basis", "text", "declared by Datadog, override by a person, or inferred from what is known of it."),
    Column("confidence", "count", "Points that speak for a machine, at most 100; only where it was inferred."),
    Column("reasons", "list", "What speaks for a machine, and what against it.", personal=True),
    shared.OPEN_FINDINGS,
    shared.LAST_REVIEWED,
    Column("next_review_due", "day", "Until when what was decided about it is to be looked at again."),
)

_PERSON = re.compile(r"[^\W\d_]{2,}[._-][^\W\d_]{2,}")


def nhi_inventory(material: Material) -> Dataset:
    """Every service account, everything else that is or may be a machine, and every OAuth client."""
    return Dataset(
        "nhi_inventory", "Non-human identities", "machine identity or OAuth client", COLUMNS, partial(_rows, material)
    )


def _rows(material: Material) -> Iterator[Row]:
    inventory = _Inventory(material)
    for one in material.people:
        if material.picture.known(one).label in ("nhi", "review"):
            yield inventory.account(one)
    clients = material.picture.of_type(CredentialType.OAUTH_CLIENT)
    for client in sorted(clients, key=lambda client: ((client.name or "").casefold(), client.id)):
        yield inventory.client(client)


class _Inventory:
    def __init__(self, material: Material) -> None:
        self._material = material

    @cached_property
    def _by_email(self) -> Mapping[str, Identity]:
        return {one.email.casefold(): one for one in self._material.people if one.email}

    def _status(self, owner: str | None) -> str | None:
        found = self._by_email.get(owner.casefold()) if owner else None
        return found.status if found else None

    def account(self, one: Identity) -> Row:
        material = self._material
        known, holding = material.picture.known(one), material.holding(one)
        keys = [key for key in material.keys_of(one) if material.picture.works(key) is not False]
        login = material.picture.login(one)
        seen = material.saw(Resource.APPLICATION_KEYS) and material.saw(Resource.ACCESS_TOKENS)
        local = (one.email or "").partition("@")[0]
        return (
            material.org, one.id, type_of(material, one), known.kind, one.name, one.email, one.status, known.owner,
            self._status(known.owner), known.purpose, None, holding.roles, holding.tier, len(keys) if seen else None,
            max((days for key in keys if (days := material.days(key.created_at)) is not None), default=None),
            _last_used(keys), login.at, {"seen": True, "never": False}.get(login.state), one.created_at,
            _ends(keys), bool(_PERSON.fullmatch(local)) if local else None, known.basis,
            known.score if known.basis == "inferred" else None, material.reasons.get(one.id, ()),
            material.open_findings.get(("identity", one.id), 0), None, material.reviews_due.get(one.id),
        )  # fmt: skip

    def client(self, one: Credential) -> Row:
        material = self._material
        owner, purpose = material.answers_for.get((Resource.OAUTH_CLIENTS, one.id), (None, None))
        used = None if one.last_used_at is UNSET else one.last_used_at
        return (
            material.org, one.id, "oauth_client", None, one.name, None, _state(one), owner, self._status(owner),
            purpose, None, None, material.reach(one), None, None, used, None, None, one.created_at, one.expires_at,
            None, "declared", None, (), material.open_findings.get(("credential", one.id), 0), None, None,
        )  # fmt: skip


def _state(one: Credential) -> str | None:
    return None if one.disabled is None else "Disabled" if one.disabled else "Active"


def _last_used(keys: list[Credential]) -> datetime | None:
    times = [key.last_used_at for key in keys]
    return max((when for when in times if isinstance(when, datetime)), default=None)


def _ends(keys: list[Credential]) -> datetime | None:
    times = [key.expires_at for key in keys]
    return None if not times or None in times else max(when for when in times if when is not None)
