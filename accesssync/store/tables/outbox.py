"""What waits to be published, and how far each destination has come."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field

from accesssync.store.tables.declare import BigKey, Table, table_of

_OF_A_RUN = text("run_id IS NOT NULL")


class OutboxRow(Table, table=True):
    """One entry that waits. `seq` is its place in its stream; deleted once every destination has it.

    Where `run_id` is set, the entry is told only once that run is published, and goes with the run if it is undone.
    `severity` is a rank: the higher, the longer it is kept when there is no room. `body` is JSON, as it will be sent.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("uq_outbox_dedup", "org_id", "stream", "dedup_id", unique=True),
        Index("ix_outbox_stream", "org_id", "stream", "seq"),
        Index(
            "ix_outbox_run", "org_id", "stream", "run_id", sqlite_where=_OF_A_RUN, postgresql_where=_OF_A_RUN
        ),
        {"sqlite_autoincrement": True},
    )  # fmt: skip
    seq: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    stream: str
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    dedup_id: str
    severity: int
    queued_at: datetime
    observed_at: datetime
    body: str


class DeliveryRow(Table, table=True):
    """How far one stream of one organization has come on one route.

    Everything up to `after_seq` is settled: delivered, or counted as `dead` (refused for good and put aside), `lost`
    (likewise, and there was no room to put it aside) or `dropped` (no room in the outbox, or waited too long).
    """

    __tablename__ = "deliveries"
    org_id: int = Field(primary_key=True, foreign_key="orgs.id")
    stream: str = Field(primary_key=True)
    route: str = Field(primary_key=True)
    after_seq: int = Field(default=0, sa_type=BigInteger)
    delivered: int = Field(default=0, sa_type=BigInteger)
    dead: int = Field(default=0, sa_type=BigInteger)
    lost: int = Field(default=0, sa_type=BigInteger)
    dropped: int = Field(default=0, sa_type=BigInteger)
    state: str = "new"
    error: str | None = None
    failures: int = 0
    tried_at: datetime | None = None
    delivered_at: datetime | None = None
    not_before: datetime | None = None


outbox = table_of(OutboxRow)
deliveries = table_of(DeliveryRow)
