"""People and machines go on working while somebody lists them: logins and uses move between listings."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from accesssync.sandbox.credentials import ApiKey, AppKey, Token
from accesssync.sandbox.organization import Organization

C = TypeVar("C", ApiKey, AppKey, Token)

_IN_USE = timedelta(days=45)


class Activity:
    """Moves the last login or last use of a share of what is at work; never anything else.

    When the users are listed people log in, when keys or tokens are listed those in use are used again.
    The same seed and organization give the same ones in the same order of listings.
    """

    def __init__(self, organization: Organization, share: float, seed: int) -> None:
        self.share = share
        self._organization = organization
        self._rng = Random(seed)  # noqa: S311  decides who logs in, nothing secret

    def listing_begins(self, now: datetime) -> int:
        """Log some people in at `now`; says how many."""
        organization, moved = self._organization, 0
        if self.share <= 0:
            return moved
        users = organization.selection("activity", lambda: list(organization.users.values()))
        wanted = round(len(users) * self.share)
        for user in self._rng.sample(users, min(wanted, len(users))):
            working = user.status == "Active" and user.truth.nature == "human"
            if working and (user.last_login_at is None or user.last_login_at < now):
                organization.touch_login(user.id, now)
                moved += 1
        return moved

    def key_listing_begins(self, now: datetime) -> int:
        """Use some application keys at `now`; says how many."""
        return self._use("app_keys", self._organization.app_keys, self._owner_is_active, now)

    def api_key_listing_begins(self, now: datetime) -> int:
        """Use some API keys at `now`; says how many."""
        return self._use("api_keys", self._organization.api_keys, lambda _key: True, now)

    def token_listing_begins(self, now: datetime) -> int:
        """Use some tokens at `now`; says how many."""

        def valid(token: Token) -> bool:
            return self._owner_is_active(token) and (token.expires_at is None or token.expires_at > now)

        return self._use("tokens", self._organization.tokens, valid, now)

    def _use(self, kind: str, records: Mapping[str, C], works: Callable[[C], bool], now: datetime) -> int:
        organization, moved = self._organization, 0
        if self.share <= 0:
            return moved
        everything = organization.selection(("activity", kind), lambda: list(records.values()))
        wanted = round(len(everything) * self.share)
        for each in self._rng.sample(everything, min(wanted, len(everything))):
            used = each.last_used_at
            if used is not None and now - _IN_USE < used < now and works(each):
                organization.touch_key(each.id, now)
                moved += 1
        return moved

    def _owner_is_active(self, credential: AppKey | Token) -> bool:
        owner = self._organization.users.get(credential.owner_id)
        return owner is not None and owner.status == "Active"
