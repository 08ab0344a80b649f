"""Who is asking, and may they: the one place that decides between 401 and 403."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from accesssync.sandbox.credentials import ApiKey, AppKey
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.records import User
from accesssync.sandbox.replies import RefusedError, Reply, detailed_error, error


class Needs(Enum):
    """What a caller has to show."""

    API_KEY = "api key"
    BOTH_KEYS = "api key and application key"


class Style(Enum):
    """How an endpoint turns away a caller whose keys it does not accept."""

    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    KEY_REQUIRED = "key required"
    INTAKE = "intake"

    def missing(self) -> Reply:
        """A key was not sent."""
        if self is Style.KEY_REQUIRED:
            return error(403, "API key required")
        if self is Style.INTAKE:
            return detailed_error(401, "Unauthorized", "no API key was provided")
        return self.wrong()

    def wrong(self) -> Reply:
        """A key was sent that does not exist, or whose owner is disabled."""
        if self is Style.INTAKE:
            return detailed_error(403, "Forbidden", "the API key is not valid")
        return error(401, "Unauthorized") if self is Style.UNAUTHORIZED else error(403, "Forbidden")


@dataclass(frozen=True, slots=True)
class Access:
    """The conditions of an endpoint.

    `permission` None means that any valid key pair will do; `or_permission` is as good as `permission`.
    """

    needs: Needs = Needs.BOTH_KEYS
    permission: str | None = None
    or_permission: str | None = None
    style: Style = Style.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Caller:
    """The keys of a request, and the user who owns the application key."""

    api_key: ApiKey
    app_key: AppKey | None
    owner: User | None


def identify(organization: Organization, headers: Mapping[str, str], access: Access, now: datetime) -> Caller:
    """The caller, or RefusedError. Keys that are accepted count as used, even where a permission is missing."""
    api_secret = headers.get("dd-api-key")
    if not api_secret:
        raise RefusedError(access.style.missing())
    api_key = organization.api_keys_by_secret.get(api_secret)
    if api_key is None:
        raise RefusedError(access.style.wrong())
    if access.needs is Needs.API_KEY:
        organization.touch_key(api_key.id, now)
        return Caller(api_key, None, None)
    app_secret = headers.get("dd-application-key")
    if not app_secret:
        raise RefusedError(access.style.missing())
    app_key = organization.app_keys_by_secret.get(app_secret)
    owner = organization.users.get(app_key.owner_id) if app_key else None
    if app_key is None or owner is None or owner.disabled:
        raise RefusedError(access.style.wrong())
    organization.touch_key(api_key.id, now)
    organization.touch_key(app_key.id, now)
    wanted = [each for each in (access.permission, access.or_permission) if each is not None]
    if wanted and not any(may(organization, app_key, owner, each) for each in wanted):
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
