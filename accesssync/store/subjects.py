"""Who those are that a run's changes are about, a few at a time: read for the lines that people see of them."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Engine, and_, select

from accesssync.store.bulk import batches
from accesssync.store.engine import translated
from accesssync.store.tables import classifications, credentials, grants, identities


class Named(Struct, frozen=True):
    """An identity as it holds now."""

    id: str
    email: str | None
    name: str | None
    service_account: bool | None


class Relabelled(Struct, frozen=True, kw_only=True):
    """An identity that a run takes for something else than before. `before` None: nobody said anything before.

    `new`: this run saw the identity first. `same_rules`: both answers came of the same rules.
    """

    who: Named
    new: bool
    before: str | None
    same_rules: bool
    now: str
    kind: str | None
    basis: str
    score: int


def named(engine: Engine, org_id: int, ids: Sequence[str]) -> dict[str, Named]:
    """Identities that hold now, the writes of a run under way included, by id."""
    one = identities.c
    query = select(one.id, one.email, one.name, one.service_account).where(one.org_id == org_id, one.to_run.is_(None))
    found: dict[str, Named] = {}
    with translated("the identities cannot be read"), engine.connect() as connection:
        for some in batches(ids):
            found.update((row[0], Named(*row)) for row in connection.execute(query.where(one.id.in_(some))))
    return found


def owners(engine: Engine, org_id: int, ids: Sequence[str]) -> dict[str, tuple[str | None, str]]:
    """Of credentials that hold now, owner and type, by id."""
    one = credentials.c
    query = select(one.id, one.owner_id, one.type).where(one.org_id == org_id, one.to_run.is_(None))
    found: dict[str, tuple[str | None, str]] = {}
    with translated("the credentials cannot be read"), engine.connect() as connection:
        for some in batches(ids):
            found.update((row[0], (row[1], row[2])) for row in connection.execute(query.where(one.id.in_(some))))
    return found


def holders(engine: Engine, org_id: int, roles: Sequence[str], ids: Sequence[str]) -> frozenset[str]:
    """Which of some identities hold one of some roles now."""
    one = grants.c
    query = select(one.identity_id).where(one.org_id == org_id, one.to_run.is_(None), one.role_id.in_(roles))
    found: set[str] = set()
    with translated("the grants cannot be read"), engine.connect() as connection:
        for some in batches(ids) if roles else ():
            found.update(connection.execute(query.where(one.identity_id.in_(some))).scalars())
    return frozenset(found)


def relabelled(engine: Engine, org_id: int, run_id: int, labels: Sequence[str]) -> Iterator[Relabelled]:
    """Whom a run takes for one of these labels, and did not before; in order of ids."""
    now, before, who = classifications.alias("now"), classifications.alias("before"), identities.c
    query: Any = (
        select(
            who.id, who.email, who.name, who.service_account, who.first_run,
            before.c.computed, before.c.ruleset, now.c.ruleset, now.c.computed, now.c.kind, now.c.basis, now.c.score,
        )
        .join(identities, and_(who.org_id == now.c.org_id, who.id == now.c.id, who.to_run.is_(None)))
        .outerjoin(
            before, and_(before.c.org_id == now.c.org_id, before.c.id == now.c.id, before.c.to_run == run_id)
        )
        .where(now.c.org_id == org_id, now.c.from_run == run_id, now.c.to_run.is_(None), now.c.computed.in_(labels))
        .order_by(now.c.id)
        .execution_options(yield_per=1_000)
    )  # fmt: skip
    with translated("the classifications cannot be read"), engine.connect() as connection:
        for row in connection.execute(query):
            if row[5] != row[8]:
                yield Relabelled(
                    who=Named(row[0], row[1], row[2], row[3]),
                    new=row[4] == run_id,
                    before=row[5],
                    same_rules=row[6] == row[7],
                    now=row[8],
                    kind=row[9],
                    basis=row[10],
                    score=row[11],
                )
