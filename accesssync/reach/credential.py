"""What a credential can do: its scopes cut with what its owner may do.

Of the scopes of a credential, each is one of these:

- *effective*: the owner holds the permission now.
- *dead*: the organization knows the permission, and the owner does not hold it now. Using it is refused.
- *sleeping*: a dead scope whose permission some role of the organization carries. One grant of that role to the
  owner, for whatever reason, and the credential can do it too: scopes do not change when roles do.
- *unknown*: no role carries such a permission and the catalogue does not list it. Whether Datadog asks roles for it
  cannot be told from here; it is neither effective nor dead.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.when import as_text
from accesssync.reach.access import Access, acts_as_owner, can_act


class Standing(StrEnum):
    """Whether a credential works at all."""

    WORKS = "works"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """It depends on somebody whom no listing shows."""


class Scoping(StrEnum):
    """What narrows a credential."""

    SCOPED = "scoped"
    UNSCOPED = "unscoped"
    """Nothing: everything its owner may do, now and after every promotion."""
    UNSTATED = "unstated"
    """Its scopes are not shown or could not be understood: what is said is the most it can do."""
    ORGANIZATION = "organization"
    """An API key: it acts for the organization, and no role is asked."""


SUBMITS = (
    "sends data to the organization: metrics, logs, events, traces",
    "reads nothing that asks for a permission: that takes an application key or a token too",
    "keeps working when whoever created it is disabled",
)
"""What every API key can do."""


class CredentialReach(Struct, frozen=True, kw_only=True):
    """What one credential can do, and why.

    `granted` is what scopes and owner leave of each other; `effective` the same where the credential works, else
    empty; `reason` why it does not work. `sleeping` maps each such scope to the roles that would wake it.
    `abilities` says in words what no permission covers; `doubts` why the truth may be different.
    """

    credential_id: str
    type: str
    standing: Standing
    reason: str | None
    scoping: Scoping
    granted: tuple[str, ...]
    effective: tuple[str, ...]
    privileged: tuple[str, ...]
    dead: tuple[str, ...]
    sleeping: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]
    abilities: tuple[str, ...]
    doubts: tuple[str, ...]


class AccountReach(Struct, frozen=True, kw_only=True):
    """What the credentials of an account can do together, against what its roles carry.

    `usable` is the union over its credentials that work; `idle` is carried by the roles and reached by none of them;
    `unscoped` names the credentials that reach everything the roles carry.
    """

    identity_id: str
    carried: tuple[str, ...]
    usable: tuple[str, ...]
    idle: tuple[str, ...]
    unscoped: tuple[str, ...]
    credentials: tuple[CredentialReach, ...]


def standing(access: Access, credential: Credential) -> tuple[Standing, str | None]:
    """Whether a credential works at the moment of `access`, and if not, why."""
    if credential.disabled:
        return Standing.STOPPED, "it is disabled"
    if credential.expires_at is not None and credential.expires_at <= access.at:
        return Standing.STOPPED, f"it expired at {as_text(credential.expires_at)}"
    if credential.type == CredentialType.API_KEY:
        return Standing.WORKS, None
    if credential.type == CredentialType.OAUTH_CLIENT:
        return _client_standing(access, credential)
    return _owned_standing(access, credential)


def _owned_standing(access: Access, credential: Credential) -> tuple[Standing, str | None]:
    if credential.owner_id is None:
        return Standing.UNKNOWN, "Datadog does not say who owns it"
    owner = access.identities.get(credential.owner_id)
    if owner is None:
        return Standing.UNKNOWN, f"its owner {credential.owner_id} is not listed"
    if not can_act(owner):
        return Standing.STOPPED, f"its owner {owner.subject} is disabled"
    return Standing.WORKS, None


def _client_standing(access: Access, credential: Credential) -> tuple[Standing, str | None]:
    listed = [access.identities[one] for one in credential.user_ids if one in access.identities]
    if any(can_act(one) for one in listed):
        return Standing.WORKS, None
    if len(listed) < len(credential.user_ids) or not credential.user_ids:
        return Standing.UNKNOWN, "whom it acts for is not listed"
    return Standing.STOPPED, "everybody it acts for is disabled"


def actors(access: Access, credential: Credential) -> tuple[Identity, ...]:
    """Whom a credential acts as: its owner, or the users of an OAuth client who are not disabled."""
    if credential.type == CredentialType.API_KEY:
        return ()
    if acts_as_owner(credential):
        owner = access.identities.get(credential.owner_id or "")
        return (owner,) if owner is not None else ()
    users = (access.identities.get(one) for one in credential.user_ids)
    return tuple(one for one in users if one is not None and can_act(one))


def ceiling(access: Access, credential: Credential) -> int:
    """The most a credential could do without scopes: everything that whom it acts as may do."""
    packed = 0
    for one in actors(access, credential):
        packed |= access.held(one)
    return packed


def granted(access: Access, credential: Credential) -> int:
    """What scopes and owner leave of each other, whether or not the credential works."""
    if credential.scopes is None:
        return ceiling(access, credential)
    return ceiling(access, credential) & access.pack(credential.scopes)


def effective(access: Access, credential: Credential) -> int:
    """What a credential can do: nothing where it does not work or where nobody knows whether it does."""
    if standing(access, credential)[0] is not Standing.WORKS:
        return 0
    return granted(access, credential)


def credential_reach(access: Access, credential: Credential) -> CredentialReach:
    """Everything that can be said about what a credential can do."""
    state, reason = standing(access, credential)
    packed = granted(access, credential)
    works = packed if state is Standing.WORKS else 0
    asked = credential.scopes if credential.type != CredentialType.API_KEY else None
    missing = access.pack(asked or ()) & ~packed if actors(access, credential) else 0
    dead = access.unpack(missing)
    wakes = {name: access.carriers(access.pack((name,))) for name in dead}
    return CredentialReach(
        credential_id=credential.id,
        type=credential.type,
        standing=state,
        reason=reason,
        scoping=scoping_of(credential),
        granted=access.unpack(packed),
        effective=access.unpack(works),
        privileged=access.unpack(works & access.privileged),
        dead=dead,
        sleeping={name: roles for name, roles in wakes.items() if roles},
        unknown=tuple(sorted({name for name in asked or () if not access.knows(name)})),
        abilities=SUBMITS if credential.type == CredentialType.API_KEY and state is Standing.WORKS else (),
        doubts=tuple(_doubts(access, credential)),
    )


def scoping_of(credential: Credential) -> Scoping:
    """What narrows a credential; what could not be read is never taken for "nothing does"."""
    if credential.type == CredentialType.API_KEY:
        return Scoping.ORGANIZATION
    if credential.scopes is not None and credential.scopes_known:
        return Scoping.SCOPED
    unread = credential.type == CredentialType.OAUTH_CLIENT or not credential.scopes_known
    return Scoping.UNSTATED if unread else Scoping.UNSCOPED


def _doubts(access: Access, credential: Credential) -> list[str]:
    doubts = []
    if credential.type not in set(CredentialType):
        doubts.append(f"accesssync does not know this kind of credential ({credential.type})")
    if not credential.scopes_known and credential.type != CredentialType.OAUTH_CLIENT:
        doubts.append("its scopes could not be understood")
    if credential.type == CredentialType.OAUTH_CLIENT and credential.scopes is None:
        doubts.append("Datadog does not show its scopes: this is the most it can do")
    gone = [one for one in credential.user_ids if one not in access.identities]
    if gone:
        doubts.append(f"{len(gone)} of those it acts for are not listed")
    whom = actors(access, credential)
    unlisted = sorted({role for one in whom for role in access.unlisted_roles(one)})
    if unlisted:
        doubts.append(f"what these roles of its owner carry is not known: {', '.join(unlisted)}")
    unnamed = {one for identity in whom for one in access.unlisted_permissions(identity)}
    if unnamed and credential.scopes is not None:
        doubts.append(f"{len(unnamed)} permissions of its owner have no known name to compare its scopes with")
    return doubts


def account_reach(access: Access, identity: Identity) -> AccountReach:
    """What the credentials of an account can do together. For service accounts first of all, but for anybody."""
    owned = access.owned_by(identity.id)
    carried = access.held(identity)
    usable = 0
    unscoped = []
    for one in owned:
        works = effective(access, one)
        usable |= works
        if works and one.scopes is None:
            unscoped.append(one.subject)
    return AccountReach(
        identity_id=identity.id,
        carried=access.unpack(carried),
        usable=access.unpack(usable),
        idle=access.unpack(carried & ~usable),
        unscoped=tuple(sorted(unscoped)),
        credentials=tuple(credential_reach(access, one) for one in owned),
    )
