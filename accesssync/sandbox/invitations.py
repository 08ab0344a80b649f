"""Mutations of invitations."""

from datetime import datetime, timedelta

from accesssync.sandbox.directory import Directory, UnknownRecordError, random_uuid
from accesssync.sandbox.records import Invitation

INVITATION_LIFE = timedelta(days=2)


class InvitationBook(Directory):
    """A directory that sends invitations. `invitations` holds every one that was ever sent: one e-mail each."""

    def invite(self, user: str, *, at: datetime | None = None) -> Invitation:
        """Send an e-mail. Earlier ones stay as they are."""
        with self.lock:
            now = at or self.clock()
            sent = Invitation(random_uuid(self.rng), self.user(user).id, now, now + INVITATION_LIFE)
            self.invitations[sent.id] = sent
        return sent

    def open_invitations(self, user: str, *, at: datetime | None = None) -> list[Invitation]:
        """Those of a user that could still be accepted."""
        with self.lock:
            user_id, now = self.user(user).id, at or self.clock()
            return [
                each
                for each in self.invitations.values()
                if each.user_id == user_id and not each.withdrawn and each.expires_at > now
            ]

    def withdraw_invitations(self, user: str) -> None:
        """None of the user's invitations can be accepted any more."""
        with self.lock:
            user_id = self.user(user).id
            for each in self.invitations.values():
                each.withdrawn = each.withdrawn or each.user_id == user_id

    def accept_invitation(self, user: str, *, at: datetime | None = None) -> None:
        """The user follows the link in an e-mail; UnknownRecordError where none would let them in."""
        with self.lock:
            found, now = self.user(user), at or self.clock()
            if found.status != "Pending" or not self.open_invitations(found.id, at=now):
                raise UnknownRecordError(f"{user} has no invitation to accept")
            found.status, found.verified, found.modified_at = "Active", True, now
            self.rendered.forget_user(found.id)
            self._selections.clear()
