"""One among several processes that leads, for as long as its session lives."""

from contextlib import suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from accesssync.store.engine import translated

LEADER_LOCK = 4_710_271
"""The advisory lock of whoever hands out the work. An arbitrary number of our own."""


class Leadership:
    """The claim to lead: PostgreSQL only. Whoever holds the lock leads, and loses it with its session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether this process leads now: keeps the lock where it has it, tries for it where it has not.

        StoreError where the database is away; then nobody here leads.
        """
        with translated("the lock of the leader cannot be asked for"):
            try:
                if self._connection is None:
                    return self._try()
                # The session has to be the one that took the lock: nothing on the way may bring another.
                self._connection.execute(text("SELECT 1"))
            except SQLAlchemyError:
                self.release()
                raise
            return True

    def release(self) -> None:
        """Lead no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LEADER_LOCK})
            with suppress(SQLAlchemyError):
                # Never back to the pool: a lock that could not be given back ends with its session.
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()

    def _try(self) -> bool:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            # A leader whose machine is gone without a word must not lead on paper until the network gives up.
            for name, value in (
                ("tcp_keepalives_idle", 10),
                ("tcp_keepalives_interval", 5),
                ("tcp_keepalives_count", 3),
            ):
                connection.exec_driver_sql(f"SET {name} = {value}")
            if connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LEADER_LOCK}).scalar_one():
                self._connection = connection
                return True
        except SQLAlchemyError:
            connection.invalidate()
            connection.close()
            raise
        connection.close()
        return False
