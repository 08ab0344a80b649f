"""Records, organizations, sources and clocks of plain Python, for tests that need no server."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from sqlalchemy import Engine, MetaData, select

from accesssync.jobs.forward.tell import Telling
from accesssync.jobs.governance.directory import Governance
from accesssync.jobs.sync.run import MeteredSource, Synced, Target, Terms, World, sync_org
from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Mapping, Membership, Team
from accesssync.model.trail import TrailEvent
from accesssync.snapshot.listing import Limits
from accesssync.snapshot.source import Account, Listing, Page, Record
from accesssync.store import schema
from accesssync.store.engine import parse_url
from accesssync.store.tables import metadata
from accesssync.trail.source import TrailPage

R = TypeVar("R", bound=Record)

JUDGED = ("evaluations", "findings", "finding_events")
"""Tables that say what is thought of the facts, and change with logins and with time."""

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = datetime(2024, 2, 29, 8, 30, 15, 123456, tzinfo=UTC)
READ = "user_access_read"


def identity(number: int, **facts: Any) -> Identity:
    """A person whose every fact is set, `facts` on top."""
    usual = {
        "id": f"user-{number:04}",
        "email": f"person{number}@example.com",
        "handle": f"person{number}@example.com",
        "name": f"Person {number}",
        "title": None,
        "status": "Active",
        "disabled": False,
        "verified": True,
        "mfa_enabled": False,
        "service_account": False,
        "created_at": LONG_AGO,
        "role_ids": ("role-1",),
        "last_login_at": None,
    }
    return Identity(**{**usual, **facts})


def role(number: int, **facts: Any) -> Role:
    """A role that carries the first permission."""
    usual = {"id": f"role-{number}", "name": f"Role {number}", "created_at": LONG_AGO, "permission_ids": ("perm-1",)}
    return Role(**{**usual, **facts})


def permission(number: int, **facts: Any) -> Permission:
    """An ordinary permission."""
    usual = {
        "id": f"perm-{number}",
        "name": f"permission_{number}",
        "display_name": f"Permission {number}",
        "group_name": "General",
        "display_type": "read",
        "restricted": False,
    }
    return Permission(**{**usual, **facts})


class Org:
    """An organization that tests change as they like."""

    def __init__(self, users: int = 3, *, name: str = "acme") -> None:
        self.id = f"datadog-{name}"
        self.name = name
        self.permissions = {one.id: one for one in map(permission, (1, 2, 3))}
        self.roles = {one.id: one for one in map(role, (1, 2))}
        self.users = {one.id: one for one in map(identity, range(1, users + 1))}

    def put(self, *records: Identity | Role | Permission) -> None:
        """Add records, or replace those with the same ids."""
        for one in records:
            self._of(one)[one.id] = one

    def _of(self, one: Identity | Role | Permission) -> dict[str, Any]:
        if isinstance(one, Identity):
            return self.users
        return self.roles if isinstance(one, Role) else self.permissions

    def drop(self, *ids: str) -> None:
        """Delete users or roles."""
        for one in ids:
            if self.users.pop(one, None) is None:
                del self.roles[one]


class FakeSource:
    """Reads an Org as Datadog would show it, with what goes wrong set by the test.

    `before(resource, page)` runs ahead of every page and may raise; page -1 stands for a GET by id.
    `hidden` records exist, but no listing shows them.
    """

    def __init__(self, org: Org, *, page: int = 100) -> None:
        self.org = org
        self.page = page
        self.hidden: set[str] = set()
        self.before: Callable[[Resource, int], object] = lambda _resource, _page: None
        self.failing_account: BaseException | None = None
        self.gets: list[str] = []
        self.requests = 0
        self.rate_limited = 0
        self.rate_limit_left: float | None = None
        self.closed = False
        self.trail: list[TrailEvent] = []
        self.failing_trail: BaseException | None = None
        self.trail_asked: list[tuple[datetime, datetime]] = []

    def close(self) -> None:
        self.closed = True

    def account(self) -> Account:
        self.requests += 1
        if self.failing_account is not None:
            raise self.failing_account
        return Account(user_id="user-0001", subject="reader", org_id=self.org.id, org_name=self.org.name)

    def users(self) -> Listing[Identity]:
        return self._listing(Resource.USERS, self.org.users)

    def roles(self) -> Listing[Role]:
        return self._listing(Resource.ROLES, self.org.roles)

    def permissions(self) -> Listing[Permission]:
        def fetch(number: int, _size: int) -> Page[Permission]:
            self._request(Resource.PERMISSIONS, number)
            return Page(self._shown(self.org.permissions))

        return Listing(Resource.PERMISSIONS, READ, fetch, paged=False, may_be_empty=False)

    def application_keys(self) -> Listing[Credential]:
        return self._listing(Resource.APPLICATION_KEYS, {}, may_be_empty=True)

    def api_keys(self) -> Listing[Credential]:
        return self._listing(Resource.API_KEYS, {}, may_be_empty=True)

    def access_tokens(self) -> Listing[Credential]:
        return self._listing(Resource.ACCESS_TOKENS, {}, may_be_empty=True)

    def oauth_clients(self) -> Listing[Credential]:
        return self._listing(Resource.OAUTH_CLIENTS, {}, may_be_empty=True)

    def teams(self) -> Listing[Team]:
        return self._listing(Resource.TEAMS, {}, may_be_empty=True)

    def team_memberships(self, team_id: str) -> Listing[Membership]:  # noqa: ARG002 - there are no teams
        return self._listing(Resource.TEAM_MEMBERSHIPS, {}, may_be_empty=True)

    def authn_mappings(self) -> list[Listing[Mapping]]:
        return [self._listing(Resource.AUTHN_MAPPINGS, {}, may_be_empty=True)]

    def audit_events(self, since: datetime, until: datetime, cursor: str | None, within: float) -> TrailPage:
        assert within > 0
        self.trail_asked.append((since, until))
        if self.failing_trail is not None:
            raise self.failing_trail
        found = sorted((one for one in self.trail if since <= one.at <= until), key=lambda one: one.at, reverse=True)
        start = int(cursor or 0)
        after = str(start + self.page) if start + self.page < len(found) else None
        return TrailPage(found[start : start + self.page], after=after)

    def _listing(self, resource: Resource, records: dict[str, R], *, may_be_empty: bool = False) -> Listing[R]:
        def fetch(number: int, size: int) -> Page[R]:
            self._request(resource, number)
            rows, size = self._shown(records), min(size, self.page)
            return Page(rows[number * size : (number + 1) * size], total=len(rows))

        def get(one: str) -> R | None:
            self.gets.append(one)
            self._request(resource, -1)
            return records.get(one)

        return Listing(resource, READ, fetch, get, may_be_empty=may_be_empty)

    def _shown(self, records: dict[str, R]) -> list[R]:
        return [records[one] for one in sorted(records) if one not in self.hidden]

    def _request(self, resource: Resource, number: int) -> None:
        self.requests += 1
        self.before(resource, number)


class Clock:
    """A second passes between any two looks at it, and as much more as a test says."""

    def __init__(self, start: datetime = NOW) -> None:
        self.time = start

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


class Syncing:
    """Syncs fake organizations into one database."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self.engine = engine
        self.clock = clock or Clock()

    def __call__(
        self,
        source: MeteredSource,
        *,
        name: str = "acme",
        skip: Iterable[Resource] = (),
        governance: Governance | None = None,
        audit_trail: bool = False,
        telling: Telling | None = None,
        **terms: Any,
    ) -> Synced:
        target = Target(
            name=name,
            site="datadoghq.eu",
            skip=frozenset(skip),
            governance=governance or Governance(),
            audit_trail=audit_trail,
            telling=telling,
            open=lambda: source,
        )
        agreed = Terms(limits=Limits(size=100, ahead=2), concurrency=2, **terms)
        world = World(clock=self.clock, sleep=_never_sleep, on_page=lambda _resource, _done, _total: None)
        return sync_org(self.engine, target, agreed, world)


def _never_sleep(_seconds: float) -> None:
    raise AssertionError("nothing here should wait")


def open_database(url: str) -> Engine:
    """A database with the present schema."""
    return schema.open_for_writing(parse_url(url))


def empty(engine: Engine) -> None:
    """Take every row out of a PostgreSQL database, and count from 1 again."""
    names = ", ".join(metadata.tables)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")


def dump(engine: Engine, *without: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as the database itself has it, our own idea of the tables set aside."""
    found = MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in found.sorted_tables
            if table.name not in without
        }


texts = st.none() | st.text(max_size=6) | st.sampled_from(["ada@example.com", "ADA@Example.com", "\u017fam", "SAM"])
flags = st.none() | st.booleans()
_FIRST, _LAST = datetime(2015, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
moments = st.none() | st.datetimes(_FIRST.replace(tzinfo=None), _LAST.replace(tzinfo=None), timezones=st.just(UTC))
role_sets = st.lists(st.sampled_from(["role-1", "role-2", "role-3", "role-4"]), max_size=6).map(tuple)


def identities(identifier: str = "user-0001") -> st.SearchStrategy[Identity]:
    """Any user record with this id."""
    return st.builds(
        Identity,
        id=st.just(identifier),
        email=texts,
        handle=texts,
        name=texts,
        title=texts,
        status=texts,
        disabled=flags,
        verified=flags,
        mfa_enabled=flags,
        service_account=flags,
        created_at=moments,
        role_ids=role_sets,
        last_login_at=moments,
    )


def roles(identifier: str = "role-1") -> st.SearchStrategy[Role]:
    """Any role with this id."""
    carried = st.lists(st.sampled_from(["perm-1", "perm-2", "perm-3"]), max_size=5).map(tuple)
    return st.builds(Role, id=st.just(identifier), name=texts, created_at=moments, permission_ids=carried)
