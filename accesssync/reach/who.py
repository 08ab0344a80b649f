"""Who can: every identity and credential that has a permission, or could give it to itself."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from msgspec import Struct, json

from accesssync.errors import UsageError
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.reach.access import Access
from accesssync.reach.credential import Standing, actors, effective, standing
from accesssync.reach.indirect import Gain, Path
from accesssync.reach.tier import tiers


class _Scopes(Struct, frozen=True):
    version: int
    scopes: tuple[str, ...]


class IdentityHolder(Struct, frozen=True, kw_only=True):
    """An identity that has the permission (`direct`, via roles) or could have it (via `paths`, in words)."""

    id: str
    email: str | None
    name: str | None
    status: str | None
    service_account: bool | None
    direct: bool
    via: tuple[str, ...]
    paths: tuple[Path, ...]


class CredentialHolder(Struct, frozen=True, kw_only=True):
    """A credential that has the permission (`direct`) or could gain it, for itself or for its owner."""

    id: str
    type: str
    name: str | None
    last4: str | None
    owner_id: str | None
    scopes: tuple[str, ...] | None
    direct: bool
    via: tuple[str, ...]
    paths: tuple[Path, ...]


class WhoCan(Struct, frozen=True, kw_only=True):
    """The answer. `listed` is whether roles are known to carry this name; where not, `note` says what that means.

    `unclear` counts credentials of which nobody can say whether they work, `unlisted_roles` identities with roles
    that no listing shows: both could be more than is said here.
    """

    permission: str
    listed: bool
    tier: str
    privileged: bool
    restricted: bool
    note: str | None
    identities: tuple[IdentityHolder, ...]
    credentials: tuple[CredentialHolder, ...]
    unclear: int
    unlisted_roles: int


@cache
def scope_names() -> tuple[str, ...]:
    """Names that Datadog knows as scopes and that an organization's permissions may not contain."""
    return json.decode((files("accesssync.reach") / "data" / "scopes.json").read_bytes(), type=_Scopes).scopes


def who_can(access: Access, permission: str, *, indirect: bool = False) -> WhoCan:
    """Every identity that is not disabled and every credential that works and has this permission.

    With `indirect` also those that could give it to themselves. UsageError for a name that nothing knows: neither
    the catalogue, nor a role, nor a scope, nor what accesssync knows of Datadog.
    """
    name = permission.strip()
    listed = access.knows(name)
    if not listed:
        _check(access, name)
    entry = access.permission(name)
    gain = Gain(access, name) if indirect and listed else None
    people = sorted(_identities(access, name, gain), key=_person_order)
    keys = sorted(_credentials(access, name, gain), key=lambda one: ((one.name or "").casefold(), one.type, one.id))
    return WhoCan(
        permission=name,
        listed=listed,
        tier=access.tier(name),
        privileged=bool(access.pack((name,)) & access.privileged),
        restricted=bool(entry is not None and entry.restricted),
        note=None if listed else _UNLISTED if access.permissions else _NO_CATALOGUE,
        identities=tuple(people),
        credentials=tuple(keys),
        unclear=sum(standing(access, one)[0] is Standing.UNKNOWN for one in access.credentials),
        unlisted_roles=sum(bool(access.unlisted_roles(one)) for one in access.able()),
    )


_UNLISTED = (
    "no role here is known to carry this and the organization's permissions do not list it: Datadog knows it as a "
    "scope. Which identities may do it cannot be told; the credentials are those whose scopes name it"
)

_NO_CATALOGUE = (
    "the permissions of this organization were not read, so that no role can be searched for this name; the "
    "credentials are those whose scopes name it"
)


def _check(access: Access, name: str) -> None:
    named = {scope for one in access.credentials for scope in one.scopes or ()}
    known = {*scope_names(), *named, *(one for tier in tiers() for one in tier.permissions)}
    if name in known:
        return
    near = get_close_matches(name.casefold(), sorted({*known, *access.known_names()}), 3, 0.6)
    remedy = f"did you mean {' or '.join(near)}?" if near else "accesssync roles --json lists the names there are"
    raise UsageError(f"there is no permission {name[:80]!r}", remedy=remedy)


def _person_order(one: IdentityHolder) -> tuple[bool, str, str]:
    return not one.direct, (one.email or one.name or "").casefold(), one.id


def _identities(access: Access, name: str, gain: Gain | None) -> Iterator[IdentityHolder]:
    wanted = access.pack((name,))
    for one in access.able():
        if access.held(one) & wanted:
            yield _identity(one, access.via(one, wanted), ())
        elif gain is not None:
            paths = gain.by_identity(one)
            if paths:
                yield _identity(one, (), paths)


def _identity(one: Identity, roles: tuple[str, ...], paths: tuple[Path, ...]) -> IdentityHolder:
    return IdentityHolder(
        id=one.id,
        email=one.email,
        name=one.name,
        status=one.status,
        service_account=one.service_account,
        direct=not paths,
        via=roles or tuple(path.text for path in paths),
        paths=paths,
    )


def _credentials(access: Access, name: str, gain: Gain | None) -> Iterator[CredentialHolder]:
    wanted = access.pack((name,))
    for one in access.credentials:
        if wanted:
            if effective(access, one) & wanted:
                yield _credential(one, _through(access, one, wanted), ())
            elif gain is not None:
                paths = gain.by_credential(one)
                if paths:
                    yield _credential(one, (), paths)
        elif name in (one.scopes or ()) and _may_work(access, one):
            yield _credential(one, ("its scopes name it; whether roles are asked for it is not known",), ())


def _may_work(access: Access, credential: Credential) -> bool:
    return credential.type != CredentialType.API_KEY and standing(access, credential)[0] is Standing.WORKS


def _through(access: Access, credential: Credential, wanted: int) -> tuple[str, ...]:
    cut = "unscoped" if credential.scopes is None else "scoped to it"
    if credential.type == CredentialType.OAUTH_CLIENT and credential.scopes is None:
        cut = "scopes not shown"
    holding = [one for one in actors(access, credential) if access.held(one) & wanted]
    shown = [f"{cut}: acts as {one.subject} ({', '.join(access.via(one, wanted))})" for one in holding[:3]]
    return (*shown, f"and as {len(holding) - 3} more") if len(holding) > 3 else tuple(shown)


def _credential(one: Credential, via: tuple[str, ...], paths: tuple[Path, ...]) -> CredentialHolder:
    return CredentialHolder(
        id=one.id,
        type=one.type,
        name=one.name,
        last4=one.last4,
        owner_id=one.owner_id,
        scopes=one.scopes,
        direct=not paths,
        via=via or tuple(path.text for path in paths),
        paths=paths,
    )
