"""Small organizations to ask about, and random ones that nothing in them has to fit."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec import structs

from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.reach.access import Access

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

CATALOGUE = (
    "user_access_manage",
    "service_account_write",
    "org_app_keys_read",
    "org_app_keys_write",
    "user_app_keys",
    "dashboards_read",
    "monitors_write",
)


def permission(name: str, **facts: Any) -> Permission:
    """A permission whose id is made of its name."""
    kind = "read" if name.endswith("_read") else "write"
    return Permission(**{"id": f"p-{name}", "name": name, "display_type": kind, "restricted": False, **facts})


def role(name: str, *carries: str, **facts: Any) -> Role:
    """A role that carries these permissions."""
    return Role(**{"id": f"r-{name}", "name": name, "permission_ids": tuple(f"p-{one}" for one in carries), **facts})


def person(name: str, *roles: str, **facts: Any) -> Identity:
    """Somebody with these roles."""
    usual: dict[str, Any] = {
        "id": f"u-{name}",
        "email": f"{name}@example.com",
        "name": name.title(),
        "status": "Active",
        "disabled": False,
        "service_account": False,
        "role_ids": tuple(f"r-{one}" for one in roles),
    }
    return Identity(**{**usual, **facts})


def robot(name: str, *roles: str, **facts: Any) -> Identity:
    """A service account with these roles."""
    return structs.replace(person(name, *roles), **{"service_account": True, "name": name, **facts})


def key(name: str, owner: str | None, scopes: tuple[str, ...] | None = None, **facts: Any) -> Credential:
    """An application key."""
    usual: dict[str, Any] = {
        "id": f"k-{name}",
        "type": CredentialType.APPLICATION_KEY,
        "name": name,
        "owner_id": f"u-{owner}" if owner is not None else None,
        "scopes": scopes,
        "last4": "ab12",
        "last_used_at": None,
    }
    return Credential(**{**usual, **facts})


def api_key(name: str, creator: str | None, **facts: Any) -> Credential:
    """An API key."""
    made = f"u-{creator}" if creator is not None else None
    return key(name, None, **{"type": CredentialType.API_KEY, "created_by_id": made, **facts})


def client(name: str, *users: str, scopes: tuple[str, ...] | None = None, **facts: Any) -> Credential:
    """An OAuth client that acts for these users."""
    ids = tuple(f"u-{one}" for one in users)
    return key(name, None, scopes, **{"type": CredentialType.OAUTH_CLIENT, "user_ids": ids, "last4": None, **facts})


def access(
    *, people: list[Identity], roles: list[Role], credentials: list[Credential] | None = None, **facts: Any
) -> Access:
    """An organization whose catalogue is CATALOGUE."""
    usual: dict[str, Any] = {"at": AT, "permissions": [permission(name) for name in CATALOGUE]}
    return Access(**{**usual, "identities": people, "roles": roles, "credentials": credentials or [], **facts})


_NAMES = st.sampled_from([*CATALOGUE, "nowhere_listed", "teams_read"])
_USERS = st.sampled_from(["u-0", "u-1", "u-2", "u-3", "u-gone"])
_ROLE_IDS = st.lists(st.sampled_from(["r-0", "r-1", "r-2", "r-gone"]), max_size=3).map(tuple)
_SCOPES = st.none() | st.lists(_NAMES, max_size=4).map(tuple)

_ROLES = st.tuples(
    *(
        st.builds(
            Role,
            id=st.just(f"r-{number}"),
            name=st.sampled_from(["One", "Two", None]),
            permission_ids=st.lists(_NAMES.map(lambda name: f"p-{name}"), max_size=5).map(tuple),
        )
        for number in range(3)
    )
)
_PEOPLE = st.tuples(
    *(
        st.builds(
            Identity,
            id=st.just(f"u-{number}"),
            email=st.none() | st.just("same@example.com"),
            status=st.sampled_from(["Active", "Pending", "Disabled", "Napping", None]),
            disabled=st.sampled_from([True, False, None]),
            service_account=st.sampled_from([True, False, None]),
            role_ids=_ROLE_IDS,
        )
        for number in range(4)
    )
)
_CREDENTIALS = st.lists(
    st.builds(
        Credential,
        id=st.uuids().map(str),
        type=st.sampled_from([*CredentialType, "carrier_pigeon"]),
        owner_id=st.none() | _USERS,
        created_by_id=st.none() | _USERS,
        scopes=_SCOPES,
        expires_at=st.sampled_from([None, AT - timedelta(days=1), AT, AT + timedelta(days=1)]),
        disabled=st.sampled_from([None, False, False, True]),
        user_ids=st.lists(_USERS, max_size=3).map(tuple),
        last_used_at=st.sampled_from([None, AT, AT - timedelta(days=31)]),
    ),
    max_size=6,
)


@st.composite
def organizations(draw: st.DrawFn) -> dict[str, Any]:
    """What to make an Access of: unlisted roles, owners and permissions included."""
    return {
        "at": AT,
        "identities": list(draw(_PEOPLE)),
        "roles": list(draw(_ROLES)),
        "permissions": [permission(name) for name in CATALOGUE],
        "credentials": draw(_CREDENTIALS),
    }
