"""What the evidence said of every identity, kept as history."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from msgspec import UNSET, Struct, convert, msgpack
from sqlalchemy import ColumnElement, Connection, Engine, and_, bindparam, func, select, update
from sqlalchemy import Table as SqlTable

from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.nhi.verdict import Classification, OwnedKey, Signal
from accesssync.store.bulk import Row, batches, insert_rows
from accesssync.store.engine import translated
from accesssync.store.lease import Lease, writing
from accesssync.store.tables import activity, classifications, credentials, identities

PAGE = 4_000
"""Identities read at a time, and at most as many classifications written: two rows each, below the limit of a chunk."""

KEYS = (Resource.APPLICATION_KEYS.value, Resource.ACCESS_TOKENS.value)
"""What acts as the identity that owns it."""

COLUMNS = (
    "org_id", "from_run", "id", "inputs", "digest", "computed", "kind", "kind_reason", "score", "basis", "signals",
    "ruleset",
)  # fmt: skip


class Candidate(Struct, frozen=True):
    """An identity that holds now, and of what is stored about it: the row, and the digests of evidence and answer."""

    identity: Identity
    row: int | None
    inputs: bytes | None
    digest: bytes | None


def _current(table: SqlTable, org_id: int) -> ColumnElement[bool]:
    return and_(table.c.org_id == org_id, table.c.to_run.is_(None))


def candidates(engine: Engine, org_id: int) -> Iterator[Candidate]:
    """Every identity that holds now, the writes of a run under way included, a page at a time and in order of ids.

    No transaction stays open between pages, so that what is written meanwhile can reach the file.
    """
    one, seen, held = identities.c, activity.c, classifications.c
    query = (
        select(
            one.id, one.email, one.handle, one.name, one.title, one.status, one.mfa_enabled, one.service_account,
            one.created_at, seen.day, seen.value, held.key, held.inputs, held.digest,
        )
        .outerjoin(
            activity,
            and_(
                seen.org_id == one.org_id,
                seen.subject_kind == Resource.USERS.value,
                seen.subject_id == one.id,
                seen.field == "last_login_at",
                seen.until_day.is_(None),
            ),
        )
        .outerjoin(classifications, and_(held.org_id == one.org_id, held.id == one.id, held.to_run.is_(None)))
        .where(_current(identities, org_id), one.id > bindparam("after"))
        .order_by(one.id)
        .limit(PAGE)
    )  # fmt: skip
    after = ""
    while True:
        with translated("the identities cannot be read"), engine.connect() as connection:
            rows = connection.execute(query, {"after": after}).all()
        for row in rows:
            identity = Identity(
                id=row[0], email=row[1], handle=row[2], name=row[3], title=row[4], status=row[5], mfa_enabled=row[6],
                service_account=row[7], created_at=row[8], last_login_at=UNSET if row[9] is None else row[10],
            )  # fmt: skip
            yield Candidate(identity, row[11], row[12], row[13])
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


def owned_keys(engine: Engine, org_id: int) -> dict[str, list[OwnedKey]]:
    """The application keys and tokens that hold now, by owner and in order of their names."""
    table = credentials
    query = (
        select(table.c.owner_id, table.c.name, activity.c.day, activity.c.value)
        .outerjoin(
            activity,
            and_(
                activity.c.org_id == table.c.org_id,
                activity.c.subject_kind == table.c.resource,
                activity.c.subject_id == table.c.id,
                activity.c.field == "last_used_at",
                activity.c.until_day.is_(None),
            ),
        )
        .where(_current(table, org_id), table.c.resource.in_(KEYS), table.c.owner_id.is_not(None))
        .order_by(table.c.name, table.c.id)
    )
    found: dict[str, list[OwnedKey]] = {}
    with translated("the credentials cannot be read"), engine.connect() as connection:
        for owner, name, day, value in connection.execution_options(yield_per=2_000).execute(query):
            found.setdefault(owner, []).append(OwnedKey(name=name, last_used_at=UNSET if day is None else value))
    return found


def people_by_domain(engine: Engine, org_id: int) -> dict[str, int]:
    """How many ordinary users have an e-mail of each domain."""
    email = identities.c.email
    if engine.dialect.name == "postgresql":
        domain: ColumnElement[Any] = func.split_part(email, "@", 2)
    else:
        domain = func.substr(email, func.instr(email, "@") + 1)
    query = select(func.lower(domain), func.count()).where(
        _current(identities, org_id), identities.c.service_account.is_not(True), email.like("%@%")
    )
    with translated("the identities cannot be read"), engine.connect() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query.group_by(func.lower(domain)))}


def second_factors(engine: Engine, org_id: int) -> tuple[int, int]:
    """How many ordinary users have no second factor, and of how many that is known."""
    flag = identities.c.mfa_enabled
    query = select(flag, func.count()).where(
        _current(identities, org_id), identities.c.service_account.is_not(True), flag.is_not(None)
    )
    with translated("the identities cannot be read"), engine.connect() as connection:
        counts = {bool(row[0]): int(row[1]) for row in connection.execute(query.group_by(flag))}
    return counts.get(False, 0), sum(counts.values())


class ClassificationWriter:
    """Writes what differs from what is stored, a page at a time."""

    def __init__(self, engine: Engine, lease: Lease, run_id: int) -> None:
        self._engine = engine
        self._lease = lease
        self._run = run_id
        self._new: list[Row] = []
        self._closed: list[int] = []
        self._renewed: list[dict[str, Any]] = []

    def offer(self, candidate: Candidate, inputs: bytes, found: Classification) -> None:
        """Take an answer worked out anew; where it is the stored one, only its evidence is noted."""
        answer = (
            found.computed, found.kind, found.kind_reason, found.score, found.basis, found.signals, found.ruleset
        )  # fmt: skip
        digest = blake2b(msgpack.encode(answer), digest_size=16).digest()
        if candidate.row is not None and candidate.digest == digest:
            self._renewed.append({"row": candidate.row, "seen": inputs})
        else:
            if candidate.row is not None:
                self._closed.append(candidate.row)
            self._new.append((self._lease.org_id, self._run, candidate.identity.id, inputs, digest, *answer))
        if len(self._new) + len(self._renewed) >= PAGE:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if not self._new and not self._renewed:
            return
        with (
            translated("the classifications cannot be written"),
            writing(self._engine, self._lease) as connection,
        ):
            self._close(connection, self._closed)
            insert_rows(connection, classifications, COLUMNS, self._new)
            if self._renewed:
                renew = update(classifications).where(classifications.c.key == bindparam("row"))
                connection.execute(renew.values(inputs=bindparam("seen")), self._renewed)
        self._new, self._closed, self._renewed = [], [], []

    def end_gone(self) -> None:
        """End the classification of everybody who is not there any more."""
        one, held = identities.c, classifications.c
        there = and_(one.org_id == held.org_id, one.id == held.id, one.to_run.is_(None))
        query = (
            select(held.key)
            .outerjoin(identities, there)
            .where(_current(classifications, self._lease.org_id), one.id.is_(None))
        )
        with translated("the classifications cannot be read"), self._engine.connect() as connection:
            gone = list(connection.execute(query).scalars())
        for start in range(0, len(gone), PAGE):
            with (
                translated("the classifications cannot be written"),
                writing(self._engine, self._lease) as connection,
            ):
                self._close(connection, gone[start : start + PAGE])

    def _close(self, connection: Connection, rows: list[int]) -> None:
        if rows:
            close = update(classifications).where(classifications.c.key == bindparam("row"))
            connection.execute(close.values(to_run=self._run), [{"row": key} for key in rows])


def classification_of(row: Mapping[Any, Any]) -> Classification:
    """A stored classification, undecided."""
    return Classification(
        label=row["computed"],
        computed=row["computed"],
        kind=row["kind"],
        kind_reason=row["kind_reason"],
        score=row["score"],
        basis=row["basis"],
        signals=convert(row["signals"], type=tuple[Signal, ...]),
        ruleset=row["ruleset"],
    )


def undetermined(*, service_account: bool) -> Classification:
    """Of whom no run has said anything yet: only what Datadog declares."""
    return Classification(
        label="nhi" if service_account else "unknown",
        computed="nhi" if service_account else "unknown",
        kind="service_account" if service_account else None,
        kind_reason=None,
        score=0,
        basis="declared" if service_account else "inferred",
        signals=(),
        ruleset="",
    )


def current_labels(engine: Engine, org_id: int) -> dict[tuple[bool, str], int]:
    """How many identities hold now, by whether they are service accounts and by computed label."""
    flag, label = identities.c.service_account.is_(True), func.coalesce(classifications.c.computed, "unknown")
    query = (
        select(flag, label, func.count())
        .select_from(_with_current())
        .where(_current(identities, org_id))
        .group_by(flag, label)
    )
    with translated("the classifications cannot be counted"), engine.connect() as connection:
        return {(bool(row[0]), row[1]): int(row[2]) for row in connection.execute(query)}


def labels_of(engine: Engine, org_id: int, ids: list[str]) -> dict[str, tuple[bool, str]]:
    """The same of a few identities, one by one."""
    label = func.coalesce(classifications.c.computed, "unknown")
    query = select(identities.c.id, identities.c.service_account.is_(True), label).select_from(_with_current())
    found: dict[str, tuple[bool, str]] = {}
    with translated("the classifications cannot be counted"), engine.connect() as connection:
        for batch in batches(ids):
            where = _current(identities, org_id), identities.c.id.in_(batch)
            found.update({row[0]: (bool(row[1]), row[2]) for row in connection.execute(query.where(*where))})
    return found


def _with_current() -> Any:
    one, held = identities.c, classifications.c
    return identities.outerjoin(
        classifications, and_(held.org_id == one.org_id, held.id == one.id, held.to_run.is_(None))
    )
