"""Everything that goes wrong while an organization is read, on both databases.

Each row names what Datadog does. Whatever it is: the fault really struck, the exit code is the one the contract
gives it, nobody is removed and nothing invented, and one run after it is over everything is as it was without it.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from accesssync.sandbox.faults.effect import Effect
from tests import postgres
from tests.cli.conftest import HURRIED, NOW, SMALL, USERS, Cli, make_cli
from tests.cli.databases import copied
from tests.cli.inventory import stored, truth

ROLES = "/api/v2/roles"
ONLY_ACCESS = "application_keys,api_keys,access_tokens,oauth_clients,teams,authn_mappings,team_memberships"

Kinds = dict[str, int]


@dataclass(frozen=True)
class Row:
    """One row: what strikes where, how often, and what must come of it.

    `says` has to be part of what the operator is told. `seen` are the changes that are true while the fault
    lasts: what Datadog really said of a record. None of them may be a removal of a person.
    """

    name: str
    effect: Callable[[], Effect]
    code: int
    path: str = USERS
    page: int | None = None
    nth: int = 1
    times: int | None = None
    says: str = ""
    seen: Kinds = field(default_factory=dict)
    fired: int = 1
    requests: int = 60
    hurried: bool = False
    detailed: int | None = None


ONCE = 1
MATRIX = [
    Row("F01 401 at the start", lambda: f.Status(401), 6, path="/api/v2/current_user", says="keys", requests=1),
    Row("F02 401 in the middle", lambda: f.Status(401), 6, page=1, says="keys"),
    Row("F03 403 on one resource", lambda: f.Status(403), 5, path=ROLES, says="user_access_read"),
    Row("F03 403 on users", lambda: f.Status(403), 5, says="user_access_read"),
    Row("F03 403 on everything", lambda: f.Status(403), 6, path="/api/v2/[urp]*", says="user_access_read"),
    Row("F04 403 on one page", lambda: f.Status(403), 7, page=1, says="user_access_read"),
    Row("F05 404 on a list", lambda: f.Status(404), 7),
    Row("F05 404 as a web page", lambda: f.Status(404, "<html>", content_type="text/html"), 7),
    Row("F07 429 with Reset 1", lambda: f.RateLimited("1"), 0, page=1, times=ONCE),
    Row("F08 429 Reset 100000", lambda: f.RateLimited("100000"), 7, page=1, says="rate limit", fired=2),
    Row("F08 429 Reset negative", lambda: f.RateLimited("-5"), 7, page=1, says="rate limit", fired=2),
    Row("F08 429 Reset soon", lambda: f.RateLimited("soon"), 7, page=1, says="rate limit", fired=2),
    Row("F08 429 without Reset", lambda: f.RateLimited(None), 7, page=1, says="rate limit", fired=2),
    Row("F08 429 with a web page", lambda: f.RateLimited("1", html=True), 7, page=1, says="rate limit", fired=2),
    Row("F09 429 for ever", lambda: f.RateLimited("1"), 7, path="*", says="rate limit", requests=2, fired=2),
    *(
        Row(f"F10 {code} once", lambda code=code: f.Status(code), 0, page=1, times=ONCE)  # type: ignore[misc]
        for code in (500, 502, 503, 504, 512)
    ),
    Row("F11 500 for ever", lambda: f.Status(500), 7, page=1, says="HTTP 500", fired=2),
    Row("F11 512 on the first page", lambda: f.Status(512), 7, page=0, says="HTTP 512", fired=2),
    Row("F15 a reset connection", f.Reset, 0, page=1, times=ONCE),
    Row("F16 a body cut short, once", f.ShortLength, 0, page=1, times=ONCE),
    Row("F16 a body cut short, always", f.ShortLength, 7, page=1, fired=2),
    Row("F18 slower than the timeout", lambda: f.Hang(3), 7, page=1, says="in time", fired=2, hurried=True),
    Row("F18 slow once", lambda: f.Hang(3), 0, page=1, times=ONCE, hurried=True),
    Row("F19 a drip", lambda: f.Drip(0.2), 7, page=1, fired=2, hurried=True),
    Row("F20 truncated JSON, once", f.Truncated, 0, page=1, times=ONCE),
    Row("F20 truncated JSON, always", f.Truncated, 7, page=1, fired=2),
    Row("F21 a log-in page", f.Html, 7, page=1, says="not JSON"),
    Row("F21 a log-in page at first", f.Html, 7, page=0, says="not JSON"),
    Row("F22 an empty body", f.empty_body, 7),
    Row("F22 an empty object", f.empty_object, 7),
    Row("F22 null for data", f.null_data, 7),
    Row("F22 an object for data", f.data_object, 7),
    Row("F22 numbers for data", f.data_integers, 7),
    Row("F22 an empty list of roles", lambda: f.HalfListing(0.0, totals_agree=True), 7, path=ROLES),
    Row("F24 a bomb", lambda: f.GzipBomb(64), 7, page=1, says="larger than"),
    Row("F24 an endless body", f.Endless, 7, page=1, hurried=True),
    Row("F25 nested JSON", f.Nested, 7, page=1),
    Row("F26 an empty page", f.EmptyPage, 7, page=1, says="of 130"),
    Row("F26 half of the pages", f.HalfListing, 7, says="of 130"),
    Row("F27 a short page", lambda: f.ShortPage(at=1, keep=3), 0),
    Row("F29 a record twice, once", f.Duplicate, 0, times=ONCE),
    Row("F29 a record twice, always", f.Duplicate, 7, says="twice"),
    Row("F32 a new order every time", f.Reorder, 7),
    Row("F33 no totals", lambda: f.Totals(absent=True), 7, says="no usable total"),
    Row("F33 a total of 0", lambda: f.Totals(0), 7),
    Row("F33 a negative total", lambda: f.Totals(-130), 7),
    Row("F33 a text as total", lambda: f.Totals("130"), 7),
    Row("F33 a fraction as total", lambda: f.Totals(130.5), 7),
    Row("F33 one too many", lambda: f.Totals(131), 7),
    Row("F33 a total out of this world", lambda: f.Totals(10**15), 7, requests=160),
    Row("F33 a total that grows", f.ChangingTotals, 7),
    Row("F34 the same page for ever", f.SamePage, 7, requests=60),
    Row("F35 a listing that collapses", lambda: f.HalfListing(0.4, totals_agree=True), 4, says="--accept-removals"),
    Row("F35 a listing of nobody", lambda: f.HalfListing(0.0, totals_agree=True), 7),
    Row("F38 an unknown status", lambda: f.BadRecord("unknown_status", 3), 0, page=1, seen={"identity.updated": 1}),
    Row("F38 an unknown type", lambda: f.BadRecord("unknown_type", 3), 0, page=1),
    Row("F39 unknown fields", lambda: f.BadRecord("extra_fields", 3), 0, page=1),
    Row("F40 null everywhere", lambda: f.BadRecord("nulls", 3), 0, page=1, seen={"identity.updated": 1}),
    Row("F40 nothing said", lambda: f.BadRecord("no_attributes", 3), 0, page=1, seen={"identity.updated": 1}),
    Row("F40 null for the attributes", lambda: f.BadRecord("null_attributes", 3), 5, page=1),
    Row("F40 no relationships", lambda: f.BadRecord("no_relationships", 3), 5, page=1),
    Row("F40 no id", lambda: f.BadRecord("no_id", 3), 7, page=1, says="without an id"),
    Row("F40 null for an id", lambda: f.BadRecord("null_id", 3), 7, page=1, says="without an id"),
    Row("F40 an empty record", lambda: f.BadRecord("empty", 3), 7, page=1, says="without an id"),
    Row("F41 a bad timestamp", lambda: f.BadRecord("bad_timestamp", 3), 5, page=1, says="1 users"),
    Row("F41 a number for a time", lambda: f.BadRecord("numeric_timestamp", 3), 5, page=1),
    Row("F41 a number for a title", lambda: f.BadRecord("numeric_title", 3), 5, page=1),
    Row("F42 a name of 1 MB", f.HugeName, 0, page=1, seen={"identity.updated": 1}),
    Row("F42 10,000 roles", f.ManyRoles, 0, page=1, seen={"grant.added": 10_000, "grant.removed": -1}),
    *(
        Row(
            f"F43 F44 the name {which!r}",
            lambda which=which: f.HostileName(which, 3),  # type: ignore[misc]
            0,
            page=1,
            seen={"identity.updated": 1},
        )
        for which in f.HOSTILE_NAMES
    ),
]


@pytest.fixture
def organization() -> Organization:
    return generate(130, 7, NOW)


@pytest.fixture
def server(organization: Organization) -> Iterator[SandboxServer]:
    with SandboxServer(organization, max_page_size=50, rate_limit=100_000, activity_share=0.0) as running:
        yield running


def baseline(database: str) -> None:
    """Sync the organization that every test here begins with into a database."""
    with pytest.MonkeyPatch.context() as patched, SandboxServer(generate(130, 7, NOW), activity_share=0.0) as server:
        assert prepared(patched, database, server)("sync").code == 0


def prepared(monkeypatch: pytest.MonkeyPatch, database: str, server: SandboxServer) -> Cli:
    """A command line that reads users, roles and permissions."""
    cli = make_cli(monkeypatch, database)
    cli.use(server)
    cli.env(ACCESSSYNC_SKIP=ONLY_ACCESS, ACCESSSYNC_CONCURRENCY="2")
    return cli


@pytest.fixture(scope="session")
def sqlite_baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the baseline, to copy."""
    path = tmp_path_factory.mktemp("baseline") / "accesssync.db"
    baseline(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_baseline(postgres_server: URL) -> Iterator[URL]:
    """A database with the baseline, to copy."""
    with postgres.fresh_database(postgres_server) as url:
        baseline(url.render_as_string(hide_password=False))
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def reading(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, server: SandboxServer, tmp_path: Path
) -> Iterator[Cli]:
    """A database with a baseline of its own, and a command line for it."""
    if request.param == "sqlite":
        path = tmp_path / "accesssync.db"
        shutil.copy(request.getfixturevalue("sqlite_baseline"), path)
        path.chmod(0o600)
        yield prepared(monkeypatch, f"sqlite:///{path}", server)
        return
    with copied(request.getfixturevalue("postgres_baseline")) as url:
        yield prepared(monkeypatch, url.render_as_string(hide_password=False), server)


def kinds(cli: Cli, since: str) -> Kinds:
    found: Kinds = {}
    for one in cli.ok("changes", "--since", since)["changes"]:
        found[one["kind"]] = found.get(one["kind"], 0) + 1
    return found


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row.name)
def test_reading_survives(row: Row, reading: Cli, server: SandboxServer, organization: Organization) -> None:
    people = set(organization.users)
    server.forget_requests()
    fault = server.faults.add(row.effect(), path=row.path, page=row.page, nth=row.nth, times=row.times)
    if row.hurried:
        reading.env(**HURRIED)
    ended = reading("sync", "--json")
    reading.env(**SMALL)
    assert ended.code == row.code, ended.err
    assert fault.fired >= row.fired
    assert row.says in ended.err
    assert len(ended.err.splitlines()) <= 8
    assert "Traceback" not in ended.err
    assert len(server.requests) <= row.requests
    [run] = ended.json["runs"]
    assert ("error" in run) == (row.code != 0)
    assert {one["id"] for one in reading.ok("identities")["identities"]} == people
    seen = kinds(reading, "run-1")
    assert {kind: count for kind, count in seen.items() if row.seen.get(kind) != -1} == {
        kind: count for kind, count in row.seen.items() if count > 0
    }
    server.faults.clear()
    again = reading("sync", "--json")
    assert again.code == 0, again.err
    assert again.json["runs"][0]["complete"]
    assert stored(reading) == truth(organization)
    if not row.seen:
        assert kinds(reading, "run-1") == {}


def test_f14_nothing_listens(reading: Cli) -> None:
    before = stored(reading)
    reading.env(ACCESSSYNC_API_URL="http://127.0.0.1:9")
    ended = reading("sync", "--json")
    assert ended.code == 7
    assert "127.0.0.1:9" in ended.err
    assert "refused" in ended.err
    assert stored(reading) == before


@pytest.mark.parametrize("to", ["https://evil.example/api/v2/users", None])
def test_f23_a_redirect_is_not_followed(reading: Cli, server: SandboxServer, to: str | None) -> None:
    with SandboxServer(generate(3, 1, NOW)) as evil:
        fault = server.faults.add(f.Redirect(to or f"{evil.url}/api/v2/users"), path=USERS, times=None)
        ended = reading("sync")
        assert ended.code == 7
        assert "redirect" in ended.err
        assert fault.fired == 1
        assert evil.requests == []


@pytest.mark.parametrize("served", [1, 7, 49, 100])
@pytest.mark.parametrize("announced", [True, False])
def test_f28_the_server_serves_smaller_pages_than_asked_for(
    cli: Cli, organization: Organization, served: int, *, announced: bool
) -> None:
    cli.env(ACCESSSYNC_SKIP=ONLY_ACCESS)
    knobs = {"max_page_size": served, "announce_max_page_size": announced, "rate_limit": 100_000}
    with SandboxServer(organization, **knobs) as small:  # type: ignore[arg-type]
        cli.use(small)
        assert cli("sync").code == 0
        assert stored(cli) == truth(organization)


def test_f28_the_server_serves_larger_pages(cli: Cli, organization: Organization) -> None:
    cli.env(ACCESSSYNC_SKIP=ONLY_ACCESS)
    with SandboxServer(organization, max_page_size=1000) as large:
        cli.use(large)
        assert cli("sync").code == 0
        assert stored(cli) == truth(organization)
        assert sum(one.path == USERS for one in large.requests) == 2


def test_f30_somebody_is_removed_while_pages_are_read(
    reading: Cli, server: SandboxServer, organization: Organization
) -> None:
    before = set(organization.users)
    fault = server.faults.add(f.ShiftLeft(), path=USERS, page=1)
    ended = reading("sync", "--json")
    assert (ended.code, fault.fired) == (0, 1)
    [gone] = before - set(organization.users)
    assert ended.json["runs"][0]["coverage"]["users"]["passes"] == 2
    assert kinds(reading, "run-1") == {}
    assert reading("sync").code == 0
    assert {one["subject_id"] for one in reading.ok("changes", "--since", "run-1")["changes"]} == {gone}
    assert stored(reading) == truth(organization)


def test_f31_somebody_arrives_while_pages_are_read(
    reading: Cli, server: SandboxServer, organization: Organization
) -> None:
    fault = server.faults.add(f.ShiftRight(), path=USERS, page=1)
    ended = reading("sync", "--json")
    assert (ended.code, fault.fired) == (0, 1)
    assert kinds(reading, "run-1") == {"identity.added": 1}
    assert stored(reading) == truth(organization)


def test_one_leaves_and_one_arrives_between_two_pages_and_nobody_else_is_lost(
    reading: Cli, server: SandboxServer, organization: Organization
) -> None:
    # Totals cannot see this: as many as before, one of them skipped. It takes an arrival on a page already read.
    first = min(organization.users.values(), key=lambda one: one.email)

    def swap(org: Organization) -> None:
        org.remove_user(first.id)
        org.add_user("~last@arrivals.example", name="Last")

    fault = server.faults.add(f.Run(swap), path=USERS, page=1)
    assert reading("sync").code == 0
    assert fault.fired == 1
    for _ in range(2):
        assert reading("sync").code == 0
    assert stored(reading) == truth(organization)
    assert kinds(reading, "run-1").get("identity.removed") == 1


def test_f06_and_f36_who_vanishes_and_returns_never_left(reading: Cli, organization: Organization) -> None:
    somebody = min(organization.users.values(), key=lambda one: one.email)
    organization.remove_user(somebody.id)
    assert reading("sync").code == 0
    organization.place_user(somebody)
    for _ in range(2):
        assert reading("sync", "--detailed-exitcode").code == 0
    assert kinds(reading, "run-1") == {}
    assert stored(reading) == truth(organization)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_the_question_after_one_person_fails(
    reading: Cli, server: SandboxServer, organization: Organization, status: int
) -> None:
    somebody = min(organization.users.values(), key=lambda one: one.email)
    organization.remove_user(somebody.id)
    assert reading("sync").code == 0
    fault = server.faults.add(f.Status(status), path=f"{USERS}/*", times=None)
    ended = reading("sync")
    assert ended.code == (6 if status == 401 else 0)
    assert fault.fired > 0
    assert kinds(reading, "run-1") == {}
    server.faults.clear()
    assert reading("sync").code == 0
    assert kinds(reading, "run-1")["identity.removed"] == 1


def test_f45_look_alikes_are_never_merged(reading: Cli, organization: Organization) -> None:
    twins = ["mike@twin.example", "MIKE@twin.example", "m\u0131ke@twin.example", "m\u0456ke@twin.example"]
    for email in twins:
        organization.add_user(email, name="Mike")
    assert reading("sync").code == 0
    found = [one for one in reading.ok("identities")["identities"] if one["email"].endswith("@twin.example")]
    assert sorted(one["email"] for one in found) == sorted(twins)
    for email in twins:
        shown = reading.ok("identity", "show", email)["identities"]
        assert email in [one["email"] for one in shown]
        assert {one["email"].lower() for one in shown} == {email.lower()}
    assert reading("sync", "--detailed-exitcode").code == 0


def test_whoever_has_letters_beyond_ascii_is_found_by_the_very_address(
    reading: Cli, organization: Organization
) -> None:
    for number, email in enumerate(("\xc4DA@umlaut.example", "\u0130brahim@dotted.example")):
        organization.change_email(organization.add_user(f"{number}@before.example").id, email)
        assert reading("sync").code == 0
        [shown] = reading.ok("identity", "show", email)["identities"]
        assert shown["email"] == email
        assert reading.ok("timeline", email)["events"]


def test_f42_the_start_of_an_overlong_name_is_kept(reading: Cli, server: SandboxServer) -> None:
    server.faults.add(f.HugeName(1_000_000), path=USERS, page=1, times=None)
    assert reading("sync").code == 0
    names = [one["name"] or "" for one in reading.ok("identities")["identities"]]
    assert max(map(len, names)) <= 1024
    assert reading("sync", "--detailed-exitcode").code == 0
