"""Mutations of API keys, application keys and access tokens.

The records that lists show are those that open the door: a key works as soon as it is added and stops
when it is deleted.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Protocol, TypeVar

from accesssync.sandbox.credentials import ApiKey, AppKey, Leak, Scopes, Token
from accesssync.sandbox.directory import Directory, UnknownRecordError, random_uuid

READING_SCOPES: Scopes = (
    "user_access_read",
    "org_app_keys_read",
    "api_keys_read",
    "teams_read",
    "audit_logs_read",
    "org_authorized_apps_read",
)
"""What suffices to read everything that is served org-wide."""

PROVISIONING_SCOPES: Scopes = (
    "user_access_read",
    "user_access_invite",
    "user_access_manage",
    "service_account_write",
    "org_app_keys_write",
    "api_keys_delete",
    "org_authorized_apps_write",
)
"""What suffices to write everything that is served, and to read it back."""

PUBLISHING_SCOPES: Scopes = (
    "dashboards_read",
    "dashboards_write",
    "logs_read_config",
    "logs_write_pipelines",
    "security_monitoring_rules_read",
    "security_monitoring_rules_write",
    "monitors_read",
    "monitors_write",
)
"""What suffices to install a dashboard, a log pipeline, detection rules and monitors."""

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PERSONAL_TOKEN_LIFE = timedelta(days=90)


class _Named(Protocol):
    id: str
    name: str


N = TypeVar("N", bound=_Named)


def by_id_or_name(records: Mapping[str, N], wanted: str, kind: str) -> N:
    """The record with this id, else the first with this name."""
    found = records.get(wanted) or next((each for each in records.values() if each.name == wanted), None)
    if found is None:
        raise UnknownRecordError(f"no {kind} {wanted}")
    return found


def _asset(token: Token) -> str:
    return "service_access_token" if token.kind == "service_access_tokens" else "personal_access_token"


def public_portion(rng: Random, *, service: bool) -> str:
    """The part of a token that lists show."""
    return ("ddsat_" if service else "") + "".join(rng.choices(_LETTERS, k=22))


class KeyRing(Directory):
    """A directory whose keys and tokens can be changed."""

    minimal_key_id = ""
    provision_key_id = ""

    @property
    def minimal_key(self) -> AppKey | None:
        """The application key that may do nothing but read; see READING_SCOPES."""
        return self.app_keys.get(self.minimal_key_id)

    @property
    def provision_key(self) -> AppKey | None:
        """The application key that may write and read back; see PROVISIONING_SCOPES."""
        return self.app_keys.get(self.provision_key_id)

    def place_api_key(self, key: ApiKey) -> ApiKey:
        """Put a complete record in."""
        with self.lock:
            self.api_keys[key.id] = self.api_keys_by_secret[key.secret] = key
            self._selections.clear()
        return key

    def place_app_key(self, key: AppKey) -> AppKey:
        """Put a complete record in."""
        with self.lock:
            self.app_keys[key.id] = self.app_keys_by_secret[key.secret] = key
            self._selections.clear()
        return key

    def place_token(self, token: Token) -> Token:
        """Put a complete record in."""
        with self.lock:
            self.tokens[token.id] = token
            self._selections.clear()
        return token

    def add_api_key(
        self,
        name: str,
        *,
        created_by: str | None = None,
        secret: str | None = None,
        last_used_at: datetime | None = None,
        at: datetime | None = None,
    ) -> ApiKey:
        """A new API key; made by the first user unless somebody is named."""
        with self.lock:
            maker = self.user(created_by).id if created_by else next(iter(self.users), None)
            key_id, now = random_uuid(self.rng), at or self.clock()
            made = secret or f"{self.rng.getrandbits(128):032x}"
            key = self.place_api_key(ApiKey(key_id, name, made, now, maker, now, None, last_used_at))
            self._tell("created", "api_key", key, "created the API key", at=now)
            return key

    def add_application_key(
        self,
        owner: str,
        scopes: Iterable[str] | None = None,
        *,
        name: str = "application key",
        secret: str | None = None,
        last_used_at: datetime | None = None,
        at: datetime | None = None,
    ) -> AppKey:
        """A new application key of `owner`; without scopes it may do all that its owner may."""
        with self.lock:
            cut = None if scopes is None else tuple(scopes)
            key_id, made = random_uuid(self.rng), secret or f"{self.rng.getrandbits(160):040x}"
            owner_id = self.user(owner).id
            key = self.place_app_key(AppKey(key_id, name, made, owner_id, cut, at or self.clock(), last_used_at))
            self._tell("created", "application_key", key, "created the application key", at=key.created_at)
            return key

    def add_token(
        self,
        owner: str,
        scopes: Iterable[str],
        *,
        name: str = "token",
        expires_at: datetime | None = None,
        last_used_at: datetime | None = None,
        at: datetime | None = None,
    ) -> Token:
        """A new token: a service one if the owner is a service account, else a personal one, which has to expire."""
        with self.lock:
            user, now = self.user(owner), at or self.clock()
            service = user.service_account
            token = Token(
                random_uuid(self.rng),
                name,
                "service_access_tokens" if service else "personal_access_tokens",
                user.id,
                public_portion(self.rng, service=service),
                tuple(scopes),
                now,
                expires_at or (None if service else now + _PERSONAL_TOKEN_LIFE),
                last_used_at,
            )
            self._tell("created", _asset(token), token, "created the token", at=now)
            return self.place_token(token)

    def rescope_key(self, key: str, scopes: Iterable[str] | None) -> None:
        """Give an application key other scopes; None takes every limit away."""
        with self.lock:
            found = by_id_or_name(self.app_keys, key, "application key")
            before, found.scopes = found.scopes, None if scopes is None else tuple(scopes)
            self._changed(found.id)
            self._tell(
                "modified",
                "application_key",
                found,
                "modified the application key",
                before={"scopes": before},
                after={"scopes": found.scopes},
            )

    def rename_key(self, key: str, name: str) -> None:
        """Give an application key another name."""
        with self.lock:
            found = by_id_or_name(self.app_keys, key, "application key")
            before, found.name = found.name, name
            self._changed(found.id)
            self._tell(
                "modified",
                "application_key",
                found,
                "renamed the application key",
                before={"name": before},
                after={"name": name},
            )

    def touch_key(self, key: str, at: datetime) -> None:
        """An API key, application key or token was used at `at`; nothing else about it changes."""
        with self.lock:
            found = self._credential(key)
            found.last_used_at = at
            # No selection that is ordered by use is ever kept.
            self.rendered.forget(found.id)

    def leak_key(self, key: str, source: str = "GitHub", *, at: datetime | None = None) -> None:
        """The secret of an API key, application key or token turned up in public."""
        with self.lock:
            found = self._credential(key)
            found.leak = Leak(random_uuid(self.rng), at or self.clock(), source)
            self._changed(found.id)

    def delete_api_key(self, key: str) -> None:
        """Revoke an API key."""
        with self.lock:
            gone = by_id_or_name(self.api_keys, key, "API key")
            del self.api_keys[gone.id], self.api_keys_by_secret[gone.secret]
            self._changed(gone.id)
            self._tell("deleted", "api_key", gone, "deleted the API key")

    def delete_application_key(self, key: str) -> None:
        """Revoke an application key."""
        with self.lock:
            gone = by_id_or_name(self.app_keys, key, "application key")
            del self.app_keys[gone.id], self.app_keys_by_secret[gone.secret]
            self._changed(gone.id)
            self._tell("deleted", "application_key", gone, "deleted the application key")

    def delete_token(self, token: str) -> None:
        """Revoke a token."""
        with self.lock:
            gone = by_id_or_name(self.tokens, token, "token")
            del self.tokens[gone.id]
            self._changed(gone.id)
            self._tell("deleted", _asset(gone), gone, "revoked the token")

    def _credential(self, key: str) -> ApiKey | AppKey | Token:
        found: ApiKey | AppKey | Token | None = self.app_keys.get(key) or self.api_keys.get(key) or self.tokens.get(key)
        if found is not None:
            return found
        everything: dict[str, ApiKey | AppKey | Token] = {**self.app_keys, **self.api_keys, **self.tokens}
        return by_id_or_name(everything, key, "key")
