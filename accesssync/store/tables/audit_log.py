"""The audit log."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index
from sqlmodel import Field

from accesssync.store.tables.declare import BigKey, Table, table_of


class AuditRow(Table, table=True):
    """One entry of the audit log. Rows are only ever added; erasing a person takes texts out of `personal`.

    `body` is chained, byte for byte. The columns beside it repeat what is in it, to be searched.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject_id"),)
    seq: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    at: datetime
    kind: str
    org: str | None = None
    subject_id: str | None = None
    body: str
    hash: str
    personal: str


class AuditExportRow(Table, table=True):
    """What the entry about an export had as number and hash; a cut tail cannot take this with it."""

    __tablename__ = "audit_exports"
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    exported_at: datetime
    seq: int = Field(sa_type=BigInteger)
    hash: str


audit = table_of(AuditRow)
audit_exports = table_of(AuditExportRow)
