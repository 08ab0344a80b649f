"""One process at a time per organization, and a token that stops a sleeper who lost its turn.

Whether the holder lives is the operating system's knowledge (a file lock) or PostgreSQL's (a session's advisory
lock): both end with the process, so nobody waits for a time-out after a crash. Neither helps against a holder
that was stopped for an hour and wakes up after its session was cut. That is what the fencing token is for: each turn
raises it, and every transaction that writes checks that it is still the same.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b

from msgspec import Struct
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from accesssync.errors import LockedError
from accesssync.store.engine import open_lock, sqlite_path, translated
from accesssync.store.tables import orgs


class Lease(Struct, frozen=True):
    """The right to write one organization's facts, until somebody else's token is higher.

    `holder` is on whose behalf the process acts, for the audit log.
    """

    org: str
    org_id: int
    token: int
    holder: str = "accesssync"


@contextmanager
def leased(
    engine: Engine,
    org: str,
    org_id: int,
    *,
    wait: bool,
    sleep: Callable[[float], None],
    holder: str = "accesssync",
) -> Iterator[Lease]:
    """Hold the only lease on an organization.

    With `wait`, waits for as long as it takes; without, raises LockedError when another process holds it.
    """
    with _exclusive(engine, org, wait=wait, sleep=sleep):
        with translated("the lock cannot be taken"), writing(engine) as connection:
            token = connection.execute(select(orgs.c.fencing_token).where(orgs.c.id == org_id)).scalar_one() + 1
            connection.execute(update(orgs).where(orgs.c.id == org_id).values(fencing_token=token))
        yield Lease(org, org_id, token, holder)


@contextmanager
def alone(engine: Engine, name: str, busy: str, *, org: str) -> Iterator[None]:
    """Do something of a name that only one process at a time may do; it ends with the process, like a lease.

    LockedError, which says `busy`, where another one does it.
    """
    with _exclusive(engine, name, wait=False, sleep=_never, refusal=LockedError(busy, org=org)):
        yield


def _never(_seconds: float) -> None:
    raise RuntimeError("nobody waits here")


@contextmanager
def writing(engine: Engine, lease: Lease | None = None) -> Iterator[Connection]:
    """A transaction that may write; with a lease, only for as long as that is the newest one (else LockedError)."""
    with engine.connect().execution_options(accesssync_writes=True) as connection, connection.begin():
        if lease is not None:
            # On PostgreSQL the row lock keeps a successor from taking over between this look and our commit.
            query = select(orgs.c.fencing_token).where(orgs.c.id == lease.org_id).with_for_update(read=True)
            if connection.execute(query).scalar_one() != lease.token:
                raise LockedError(
                    "another process took over while this one was stopped",
                    org=lease.org,
                    remedy="nothing of this run was published; run again if the other one failed",
                )
        yield connection


@contextmanager
def _exclusive(
    engine: Engine,
    org: str,
    *,
    wait: bool,
    sleep: Callable[[float], None],
    refusal: LockedError | None = None,
) -> Iterator[None]:
    path = sqlite_path(engine.url)
    if path is not None:
        with _file_lock(f"{path}.{_number(org):x}.lock", org, wait=wait, sleep=sleep, refusal=refusal):
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        query = text("SELECT pg_try_advisory_lock(:key)")
        with translated("the lock cannot be taken"):
            while not connection.execute(query, {"key": _number(org)}).scalar_one():
                _refuse(org, wait=wait, refusal=refusal)
                sleep(0.5)
        try:
            yield
        finally:
            # A server that went away has let go of the lock by itself; the run's own error is the one to report.
            with suppress(SQLAlchemyError):
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _number(org)})


@contextmanager
def _file_lock(
    name: str, org: str, *, wait: bool, sleep: Callable[[float], None], refusal: LockedError | None
) -> Iterator[None]:
    handle = open_lock(name)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _refuse(org, wait=wait, refusal=refusal)
                sleep(0.5)
        yield
    finally:
        os.close(handle)


def _refuse(org: str, *, wait: bool, refusal: LockedError | None) -> None:
    if not wait:
        raise refusal or LockedError(
            "another process is syncing this organization", org=org, remedy="try later, or add --wait"
        )


def _number(org: str) -> int:
    """The organization's number among PostgreSQL's advisory locks: 63 bits of a hash of its name."""
    return int.from_bytes(blake2b(f"accesssync lease {org}".encode(), digest_size=8).digest(), "big") >> 1
