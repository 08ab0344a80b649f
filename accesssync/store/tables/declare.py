"""What tables are declared with."""

from sqlalchemy import BigInteger, Index, Integer, MetaData, text
from sqlalchemy import Table as SqlTable
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)

BigKey = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column that it calls INTEGER."""


class Table(SQLModel):
    """What all tables share: our metadata with named constraints."""

    metadata = metadata


class Fact(Table):
    """The columns of history."""

    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int
    from_run: int = Field(sa_type=BigInteger, foreign_key="runs.id")
    to_run: int | None = Field(default=None, sa_type=BigInteger)


def history(table: str, *identity: str) -> tuple[Index, ...]:
    """The four ways history is read: what holds now, what a run began, what a run ended, what one record was before."""
    now, ended = text("to_run IS NULL"), text("to_run IS NOT NULL")
    return (
        Index(f"uq_{table}_current", "org_id", *identity, unique=True, sqlite_where=now, postgresql_where=now),
        Index(f"ix_{table}_from_run", "org_id", "from_run"),
        Index(f"ix_{table}_to_run", "org_id", "to_run", sqlite_where=ended, postgresql_where=ended),
        Index(f"ix_{table}_ended", "org_id", identity[0], sqlite_where=ended, postgresql_where=ended),
    )


def table_of(row: type[Table]) -> SqlTable:
    """The table of a model, for statements in bulk, which never make an object per row."""
    table: SqlTable = row.__dict__["__table__"]
    return table
