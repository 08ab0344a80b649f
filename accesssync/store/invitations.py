"""Invitations: Datadog cannot list them, so what is known of them is what was kept when they were sent."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, insert, select, update

from accesssync.store.engine import translated
from accesssync.store.tables import invitations

OPEN = ("sent", "unknown")
"""States from which acceptance may still come."""


class Mail(Struct, frozen=True, kw_only=True):
    """An invitation that was sent, or may have been: then without an id."""

    user_id: str
    email: str
    invitation_id: str | None = None
    expires_at: datetime | None = None
    certain: bool = True


class Invitation(Struct, frozen=True, kw_only=True):
    """One mail as the store knows it."""

    key: int
    user_id: str
    email: str
    invitation_id: str | None
    state: str
    sent_at: datetime
    expires_at: datetime | None
    settled_at: datetime | None


def note_mail(connection: Connection, org_id: int, mail: Mail, now: datetime) -> None:
    """Keep an invitation, within a transaction. What was unsure about the same user before is settled by it."""
    if mail.certain:
        settle_mail(connection, org_id, mail.user_id, "superseded", now)
    connection.execute(
        insert(invitations).values(
            org_id=org_id,
            user_id=mail.user_id,
            email=mail.email,
            invitation_id=mail.invitation_id,
            state="sent" if mail.certain else "unknown",
            sent_at=now,
            expires_at=mail.expires_at,
        )
    )


def settle_mail(connection: Connection, org_id: int, user_id: str, state: str, now: datetime) -> None:
    """Close every open invitation of a user, within a transaction."""
    mine = (invitations.c.org_id == org_id, invitations.c.user_id == user_id, invitations.c.state.in_(OPEN))
    connection.execute(update(invitations).where(*mine).values(state=state, settled_at=now))


def list_invitations(engine: Engine, org_id: int) -> list[Invitation]:
    """Every mail of an organization, oldest first."""
    query = select(invitations).where(invitations.c.org_id == org_id).order_by(invitations.c.key)
    with translated("the invitations cannot be read"), engine.connect() as connection:
        return [_invitation(row) for row in connection.execute(query)]


def _invitation(row: Any) -> Invitation:
    return Invitation(**{name: getattr(row, name) for name in Invitation.__struct_fields__})
