"""People go on working while somebody lists them: logins move between one listing and the next."""

from datetime import datetime
from random import Random

from accesssync.sandbox.organization import Organization


class Activity:
    """Moves `last_login_time` of a share of the active people; never anything else.

    The same seed and organization give the same people in the same order of listings.
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
