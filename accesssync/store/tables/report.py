"""What reports need to be the same tomorrow."""

from datetime import datetime

from sqlmodel import Field

from accesssync.store.tables.declare import Table, table_of


class PseudonymKeyRow(Table, table=True):
    """What pseudonyms are made with, where no setting says: one row, made when first needed."""

    __tablename__ = "pseudonym_keys"
    id: int = Field(primary_key=True)
    key: bytes
    created_at: datetime


pseudonym_keys = table_of(PseudonymKeyRow)
