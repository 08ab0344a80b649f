"""Who is asking, and may they: the one place that decides between 401 and 403."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from accesssync.sandbox.organization import Organization
from accesssync.sandbox.records import ApiKey, AppKey, User
from accesssync.sandbox.replies import RefusedError, Reply, error


class Needs(Enum):
    """What a caller has to show."""

    API_KEY = "api key"
    BOTH_KEYS = "api key and application key"


class Style(Enum):
    """How an endpoint turns away a caller whose keys it does not accept."""

    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    KEY_REQUIRED = "key required"

    def missing(self) -> Reply:
        """A key was not sent."""
        if self is Style.KEY_REQUIRED:
            return error(403, "API key required")
        return self.wrong()

    def wrong(self) -> Reply:
        """A key was sent that does not exist, or whose owner is disabled."""
        return error(401, "Unauthorized") if self is Style.UNAUTHORIZED else error(403, "Forbidden")


@dataclass(frozen=True, slots=True)
class Access:
    """The conditions of an endpoint. `permission` None means that any valid key pair will do."""

    needs: Needs = Needs.BOTH_KEYS
    permission: str | None = None
    style: Style = Style.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Caller:
    """The keys of a request, and the user who owns the application key."""

    api_key: ApiKey
    app_key: AppKey | None
    owner: User | None


def identify(organization: Organization, headers: Mapping[str, str], access: Access) -> Caller:
    """The caller, or RefusedError."""
    api_secret = headers.get("dd-api-key")
    if not api_secret:
        raise RefusedError(access.style.missing())
    api_key = next((each for each in organization.api_keys.values() if _same(each.secret, api_secret)), None)
    if api_key is None:
        raise RefusedError(access.style.wrong())
    if access.needs is Needs.API_KEY:
        return Caller(api_key, None, None)
    app_secret = headers.get("dd-application-key")
    if not app_secret:
        raise RefusedError(access.style.missing())
    app_key = next((each for each in organization.app_keys.values() if _same(each.secret, app_secret)), None)
    owner = organization.users.get(app_key.owner_id) if app_key else None
    if app_key is None or owner is None or owner.disabled:
        raise RefusedError(access.style.wrong())
    if access.permission is not None and not may(organization, app_key, owner, access.permission):
        raise RefusedError(error(403, "Forbidden"))
    return Caller(api_key, app_key, owner)


def may(organization: Organization, app_key: AppKey, owner: User, permission: str) -> bool:
    """Whether this key of this owner carries `permission`.

    Some permissions, `user_access_read` among them, are scopes of a key but do not appear in the
    catalogue that roles are made from: every user has those. Once the catalogue lists one, roles decide.
    """
    if app_key.scopes is not None and permission not in app_key.scopes:
        return False
    if permission not in organization.permissions_by_name:
        return True
    return permission in organization.permission_names(owner)


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
