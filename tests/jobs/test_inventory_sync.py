"""Keys, tokens, OAuth clients, teams and mappings synced from a served organization, through the real client."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, MetaData, select

from accesssync.errors import AccessSyncError, IncompleteError, PartialError, RefusedError
from accesssync.jobs import credentials as credentials_job
from accesssync.jobs.inventory import Document, View, view_at
from accesssync.jobs.opening import targets, terms
from accesssync.jobs.sync.document import outcome_code, sync_document
from accesssync.jobs.sync.run import Synced, Target, World, sync_org
from accesssync.jobs.sync.side_by_side import sync_all
from accesssync.model.change import Cause, Change
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.sandbox import READING_SCOPES, AppKey, Organization, SandboxServer, generate
from accesssync.sandbox.faults import BadRecord, Effect, HalfListing, Html, PatchRecord, Status
from accesssync.settings import OrgForm, Settings
from accesssync.store import changes, inventory, runs
from accesssync.store.engine import connect, parse_url
from tests.builders import NOW, Clock

USERS = 40
KEYS = Resource.APPLICATION_KEYS
TOKENS = Resource.ACCESS_TOKENS
PATHS = {
    Resource.APPLICATION_KEYS: "/api/v2/application_keys",
    Resource.API_KEYS: "/api/v2/api_keys",
    Resource.ACCESS_TOKENS: "/api/v2/personal_access_tokens",
    Resource.OAUTH_CLIENTS: "/api/v2/org_authorized_clients",
    Resource.TEAMS: "/api/v2/team",
    Resource.AUTHN_MAPPINGS: "/api/v2/authn_mappings",
}
PERMISSIONS = {
    Resource.APPLICATION_KEYS: "org_app_keys_read",
    Resource.API_KEYS: "api_keys_read",
    Resource.ACCESS_TOKENS: "org_app_keys_read",
    Resource.OAUTH_CLIENTS: "org_authorized_apps_read",
    Resource.TEAMS: "teams_read",
    Resource.TEAM_MEMBERSHIPS: "teams_read",
}


def without(*permissions: str) -> list[str]:
    return [each for each in READING_SCOPES if each not in permissions]


def no_page(_resource: Resource, _received: int, _expected: int | None) -> None:
    """Nobody watches."""


class Stage:
    """An organization, its server, a database, and the sync between them."""

    def __init__(self, organization: Organization, engine: Engine, name: str = "acme") -> None:
        self.organization = organization
        self.engine = engine
        self.name = name
        self.clock = Clock()
        self.server = SandboxServer(organization, activity_share=0, clock=lambda: NOW).start()
        self.reader = next(key for key in organization.app_keys.values() if key.secret == self.server.app_key)

    def target(self, app_key: str | None = None, skip: Iterable[str] = ()) -> Target:
        form = OrgForm(
            api_key=SecretStr(self.server.api_key),
            app_key=SecretStr(app_key or self.server.app_key),
            api_url=self.server.url,
            skip=frozenset(skip),
        )
        [found] = targets(
            Settings(orgs={self.name: form}),
            [self.name],
            sleep=lambda _seconds: None,
            monotonic=time.monotonic,
            rng=Random(1),  # noqa: S311  waits of tests, nothing secret
            on_event=lambda _event: None,
        )
        return found

    def world(self, on_page: Callable[[Resource, int, int | None], None] = no_page) -> World:
        return World(clock=self.clock, sleep=time.sleep, on_page=on_page)

    def sync(self, app_key: str | None = None, *, skip: Iterable[str] = (), accepted: int = 0) -> Synced:
        self.server.forget_requests()
        agreed = terms(Settings(), accepted_removals=accepted)
        return sync_org(self.engine, self.target(app_key, skip), agreed, self.world())

    def key(self, scopes: Iterable[str] | None) -> str:
        """The secret of a new application key of the reader."""
        return self.organization.add_application_key(self.reader.owner_id, scopes, name="read key").secret

    def asked(self) -> Counter[str]:
        """How often each path was asked for in the last sync."""
        return Counter(each.path for each in self.server.requests)

    def told(self, done: Synced) -> list[Change]:
        assert done.run is not None
        run = done.run
        found = changes.list_changes(self.engine, done.org, run.org_id, after_run=run.id - 1, until_run=run.id)
        return list(found)

    def news(self, done: Synced) -> Counter[tuple[str, str]]:
        return Counter((each.kind, each.subject_id) for each in self.told(done))

    def view(self) -> View:
        org = runs.find_org(self.engine, self.name)
        assert org is not None
        view = view_at(self.engine, org, None)
        assert view is not None
        return view

    def credentials(self) -> dict[str, Document]:
        return {each["id"]: each for each in credentials_job.credentials(self.engine, self.view())}


def code(done: Synced, *, detailed: bool = True) -> int:
    return outcome_code([done], detailed=detailed)


def coverage(done: Synced, resource: Resource) -> Coverage:
    return done.observed[resource].coverage


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "history.db"
    shutil.copy(sqlite_template, path)
    path.chmod(0o600)
    opened = connect(parse_url(f"sqlite:///{path}"))
    yield opened
    opened.dispose()


@pytest.fixture
def stage(database: Engine) -> Iterator[Stage]:
    made = Stage(generate(USERS, 3, NOW), database)
    yield made
    made.server.shutdown()


class TestEveryResource:
    @pytest.mark.parametrize("minimal", [False, True], ids=["unscoped", "minimal"])
    def test_each_is_complete_and_as_many_come_as_the_api_owes(self, stage: Stage, *, minimal: bool) -> None:
        done = stage.sync(stage.server.minimal_app_key if minimal else None)
        assert (done.error, code(done)) == (None, 0)
        assert done.run is not None
        assert done.run.complete
        assert set(done.observed) == set(Resource)
        for resource, one in done.observed.items():
            assert one.coverage.state is CoverageState.COMPLETE
            assert one.coverage.received == done.counts[resource]
            if resource is not Resource.PERMISSIONS:
                assert one.coverage.received == one.coverage.expected

    def test_what_is_counted_is_what_the_organization_has(self, stage: Stage) -> None:
        held = stage.organization
        counts = sync_document(stage.sync())["counts"]
        assert counts == {
            "users": len(held.users),
            "service_accounts": sum(each.service_account for each in held.users.values()),
            "roles": len(held.roles),
            "permissions": len(held.permissions),
            "grants": sum(len(each.role_ids) for each in held.users.values()),
            "application_keys": len(held.app_keys),
            "api_keys": len(held.api_keys),
            "access_tokens": len(held.tokens),
            "oauth_clients": len(held.oauth_clients),
            "teams": len(held.teams),
            "team_memberships": sum(len(each.members) for each in held.teams.values()),
            "authn_mappings": len(held.mappings),
        }
        assert min(counts.values()) > 0

    def test_every_credential_is_stored_with_its_facts_and_no_secret(self, stage: Stage) -> None:
        stage.sync()
        found, held = stage.credentials(), stage.organization
        for key in held.app_keys.values():
            one = found[key.id]
            assert (one["type"], one["owner_id"], one["last4"]) == ("application_key", key.owner_id, key.secret[-4:])
            assert one["scopes"] == (None if key.scopes is None else sorted(key.scopes))
        for token in held.tokens.values():
            kind = {"personal_access_tokens": "personal_access_token"}.get(token.kind, "service_access_token")
            assert (found[token.id]["type"], found[token.id]["last4"]) == (kind, token.public_portion)
        for client in held.oauth_clients.values():
            assert found[client.id]["users"] == sorted(client.authorizations)
        for api_key in held.api_keys.values():
            assert found[api_key.id]["created_by_id"] == api_key.created_by
        assert len(found) == len({*held.app_keys, *held.tokens, *held.oauth_clients, *held.api_keys})
        whole = b"".join(path.read_bytes() for path in Path(str(stage.engine.url.database)).parent.glob("history.db*"))
        for secret in (*held.app_keys_by_secret, *held.api_keys_by_secret):
            assert secret.encode() not in whole

    def test_an_older_datadog_that_tells_no_last_use_is_unknown_and_not_unused(self, stage: Stage) -> None:
        from accesssync.sandbox import Deployment

        stage.organization.deployment = Deployment(last_used_at=False)
        stage.sync()
        states = {one["last_used_state"] for one in stage.credentials().values() if one["type"] == "application_key"}
        assert states == {"unknown"}


class TestRequests:
    def test_a_sync_takes_one_listing_per_resource_and_one_per_team(self, stage: Stage) -> None:
        done = stage.sync()
        teams = {f"/api/v2/team/{each}/memberships": 1 for each in stage.organization.teams}
        assert stage.asked() == {
            "/api/v2/current_user": 1,
            "/api/v2/permissions": 1,
            "/api/v2/roles": 1,
            "/api/v2/users": 1,
            "/api/v2/application_keys": 1,
            "/api/v2/api_keys": 1,
            "/api/v2/personal_access_tokens": 1,
            "/api/v2/org_authorized_clients": 1,
            "/api/v2/team": 1,
            "/api/v2/authn_mappings": 2,
            **teams,
        }
        assert done.run is not None
        assert done.run.requests == sum(stage.asked().values())

    def test_ten_times_the_people_cost_pages_and_no_call_each(self, database: Engine) -> None:
        stage = Stage(generate(10 * USERS, 3, NOW), database)
        try:
            stage.sync()
        finally:
            stage.server.shutdown()
        held = stage.organization
        per_team = sum(-(-max(len(each.members), 1) // 100) for each in held.teams.values())
        lists = (held.app_keys, held.api_keys, held.tokens, held.oauth_clients, held.teams, held.roles)
        # Users: a first page to learn how large one may be, then all of them on one page; mappings: twice a page.
        pages = sum(-(-max(len(each), 1) // 100) for each in lists) + 2 + 2
        assert sum(stage.asked().values()) == 1 + 1 + pages + per_team
        assert not [path for path in stage.asked() if path.startswith(("/api/v2/users/", "/api/v2/service_accounts"))]


Made = Callable[[Organization, AppKey], Iterable[tuple[str, str]]]


def rescoped(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    at.rescope_key(key.id, None)
    yield "credential.updated", key.id


def narrowed_to_nothing(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    at.rescope_key(key.id, [])
    yield "credential.updated", key.id


def leaked(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    at.leak_key(key.id)
    yield "credential.updated", key.id


def deleted(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    at.delete_application_key(key.id)
    yield "credential.removed", key.id


def made_key(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    yield "credential.added", at.add_application_key(key.owner_id, name="new").id


def made_api_key(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    yield "credential.added", at.add_api_key("new").id


def deleted_api_key(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    gone = list(at.api_keys.values())[-1]
    at.delete_api_key(gone.id)
    yield "credential.removed", gone.id


def made_token(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    yield "credential.added", at.add_token(key.owner_id, ["metrics_read"]).id


def deleted_token(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    gone = next(iter(at.tokens.values()))
    at.delete_token(gone.id)
    yield "credential.removed", gone.id


def joined(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    at.add_membership(next(iter(at.teams)), key.owner_id)
    yield "membership.added", key.owner_id


def made_admin(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    team = next(iter(at.teams.values()))
    member = next(each for each in team.members.values() if each.role is None)
    at.set_membership_role(team.id, member.user_id, "admin")
    yield "membership.updated", member.user_id


def left(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    team = next(iter(at.teams.values()))
    member = next(iter(team.members))
    at.remove_membership(team.id, member)
    yield "membership.removed", member


def dissolved(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    team = max(at.teams.values(), key=lambda each: len(each.members))
    mappings = [each.id for each in at.mappings.values() if each.team_id == team.id]
    members = list(team.members)
    at.delete_team(team.id)
    yield "team.removed", team.id
    yield from (("membership.removed", each) for each in members)
    yield from (("mapping.removed", each) for each in mappings)


def founded(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    team = at.add_team("Newcomers")
    at.add_membership(team.id, key.owner_id, "admin")
    yield "team.added", team.id
    yield "membership.added", key.owner_id


def mapped_to_role(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    yield "mapping.added", at.add_mapping("group", "new", role=next(iter(at.roles))).id


def mapped_to_team(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    yield "mapping.added", at.add_mapping("group", "new", team=next(iter(at.teams))).id


def unmapped(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    gone = next(iter(at.mappings))
    at.delete_mapping(gone)
    yield "mapping.removed", gone


def authorized(at: Organization, key: AppKey) -> Iterable[tuple[str, str]]:
    at.authorize("Watcher", key.owner_id, ["metrics_read"])
    yield "credential.user_added", at.oauth_client("Watcher").id


def withdrew(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    client = at.oauth_client("Watcher")
    at.withdraw("Watcher", next(iter(client.authorizations)))
    yield "credential.user_removed", client.id


def shut_out(at: Organization, _key: AppKey) -> Iterable[tuple[str, str]]:
    at.disable_oauth_client("Watcher")
    yield "credential.updated", at.oauth_client("Watcher").id


DRIFT: tuple[Made, ...] = (
    rescoped, narrowed_to_nothing, leaked, deleted, made_key, made_api_key, deleted_api_key, made_token,
    deleted_token, joined, made_admin, left, dissolved, founded, mapped_to_role, mapped_to_team, unmapped, authorized,
    withdrew, shut_out,
)  # fmt: skip


class TestDrift:
    @pytest.fixture
    def key(self, stage: Stage) -> AppKey:
        """A scoped key whose owner is in no team; and an OAuth client that two people let in."""
        at = stage.organization
        owner = at.add_user("owner@example.com", name="Owner")
        first, second, *_ = at.users
        at.add_oauth_client("Watcher")
        at.authorize("Watcher", first, ["metrics_read"])
        at.authorize("Watcher", second, ["metrics_read"])
        return at.add_application_key(owner.id, ["metrics_read"], name="ci")

    @pytest.mark.parametrize("mutate", DRIFT, ids=lambda each: each.__name__)
    def test_what_was_done_is_found_and_nothing_is_invented(self, stage: Stage, key: AppKey, mutate: Made) -> None:
        stage.sync()
        made = Counter(mutate(stage.organization, key))
        done = stage.sync()
        assert stage.news(done) == made
        assert {each.cause for each in stage.told(done)} == {Cause.ORG}
        assert (done.error, code(done)) == (None, 3)
        assert done.run is not None
        assert (done.run.added, done.run.updated, done.run.removed) == tally(made)
        again = stage.sync()
        assert (stage.news(again), code(again)) == (Counter(), 0)

    def test_all_of_it_at_once(self, stage: Stage, key: AppKey) -> None:
        stage.sync()
        one_each = (made_token, deleted_token, made_key, rescoped, founded, mapped_to_team, unmapped, authorized, left)
        made = Counter(each for mutate in one_each for each in mutate(stage.organization, key))
        assert stage.news(stage.sync()) == made

    def test_a_key_that_lost_its_limits_tells_which(self, stage: Stage, key: AppKey) -> None:
        stage.sync()
        stage.organization.rescope_key(key.id, None)
        [change] = stage.told(stage.sync())
        assert change.fields == {"scopes": (["metrics_read"], None)}
        assert change.subject == f"ci ..{key.secret[-4:]}"

    def test_a_use_is_no_change(self, stage: Stage, key: AppKey) -> None:
        stage.sync()
        for each in (key.id, next(iter(stage.organization.tokens)), next(iter(stage.organization.api_keys))):
            stage.organization.touch_key(each, NOW)
        assert stage.news(stage.sync()) == Counter()
        assert stage.credentials()[key.id]["last_used_at"] == "2026-11-21T12:00:00Z"

    def test_a_key_whose_owner_is_gone_stays_and_is_marked(self, stage: Stage, key: AppKey) -> None:
        stage.sync()
        assert stage.credentials()[key.id]["owner_known"] is True
        stage.organization.remove_user(key.owner_id)
        assert stage.news(stage.sync()) == Counter()
        done = stage.sync()
        assert stage.news(done) == Counter({("identity.removed", key.owner_id): 1})
        one = stage.credentials()[key.id]
        assert (one["owner_id"], one["owner"], one["owner_known"]) == (key.owner_id, "owner@example.com", False)

    def test_a_key_whose_owner_was_never_seen_is_kept_and_marked(self, stage: Stage) -> None:
        key = AppKey("key-of-nobody", "orphan", "f" * 40, "nobody", None, NOW)
        stage.organization.place_app_key(key)
        done = stage.sync()
        assert done.error is None
        one = stage.credentials()["key-of-nobody"]
        assert (one["owner_id"], one["owner"], one["owner_known"]) == ("nobody", None, False)


def tally(made: Counter[tuple[str, str]]) -> tuple[int, int, int]:
    verbs = Counter(kind.rpartition("_" if "user_" in kind else ".")[2] for kind, _ in made.elements())
    return verbs["added"], verbs["updated"], verbs["removed"]


class TestRemovals:
    def test_a_deleted_key_is_gone_after_one_proven_listing_and_a_404(self, stage: Stage) -> None:
        key = stage.organization.add_application_key(stage.reader.owner_id, name="short-lived")
        stage.sync()
        stage.organization.delete_application_key(key.id)
        done = stage.sync()
        assert stage.news(done) == Counter({("credential.removed", key.id): 1})
        path = f"{PATHS[KEYS]}/{key.id}"
        assert [(each.status, each.path) for each in stage.server.requests if each.path == path] == [(404, path)]
        assert stage.asked()[PATHS[KEYS]] == 1

    def test_a_key_that_a_proven_listing_left_out_is_found_by_its_id_and_stays(self, stage: Stage) -> None:
        stage.sync()
        held = len(stage.organization.app_keys)
        stage.server.faults.add(HalfListing(1 - 2.5 / held, totals_agree=True), path=PATHS[KEYS], times=None)
        done = stage.sync()
        assert coverage(done, KEYS).state is CoverageState.COMPLETE
        assert coverage(done, KEYS).received == held - 3
        assert (done.counts[KEYS], stage.news(done), code(done)) == (held, Counter(), 0)
        assert len([path for path in stage.asked() if path.startswith(PATHS[KEYS] + "/")]) == 3

    @pytest.mark.parametrize("status", [403, 500])
    def test_a_key_that_cannot_be_asked_for_stays(self, stage: Stage, status: int) -> None:
        key = stage.organization.add_application_key(stage.reader.owner_id, name="short-lived")
        stage.sync()
        stage.organization.delete_application_key(key.id)
        fault = stage.server.faults.add(Status(status), path=f"{PATHS[KEYS]}/*", times=None)
        assert stage.news(stage.sync()) == Counter()
        stage.server.faults.remove(fault)
        assert stage.news(stage.sync()) == Counter({("credential.removed", key.id): 1})

    def test_a_deleted_token_needs_a_second_listing_that_agrees(self, stage: Stage) -> None:
        stage.sync()
        assert stage.asked()[PATHS[TOKENS]] == 1
        gone = next(iter(stage.organization.tokens))
        stage.organization.delete_token(gone)
        done = stage.sync()
        assert stage.news(done) == Counter({("credential.removed", gone): 1})
        # There is no call for one token that could be believed: its 404 proves nothing for a service account's.
        assert stage.asked()[PATHS[TOKENS]] == 2
        assert not [path for path in stage.asked() if path.startswith(PATHS[TOKENS] + "/")]

    def test_a_token_that_the_second_listing_shows_stays(self, stage: Stage) -> None:
        stage.sync()
        held = len(stage.organization.tokens)
        stage.server.faults.add(HalfListing(1 - 0.5 / held, totals_agree=True), path=PATHS[TOKENS], times=1)
        done = stage.sync()
        assert coverage(done, TOKENS).received == held - 1
        assert (done.counts[TOKENS], stage.news(done)) == (held, Counter())

    def test_a_second_listing_that_proves_nothing_removes_nothing(self, stage: Stage) -> None:
        stage.sync()
        gone = next(iter(stage.organization.tokens))
        stage.organization.delete_token(gone)
        fault = stage.server.faults.add(Status(500), path=PATHS[TOKENS], nth=2, times=None)
        assert stage.news(stage.sync()) == Counter()
        stage.server.faults.remove(fault)
        assert stage.news(stage.sync()) == Counter({("credential.removed", gone): 1})

    def test_only_the_team_that_somebody_left_is_read_again(self, stage: Stage) -> None:
        stage.sync()
        team = next(iter(stage.organization.teams.values()))
        stage.organization.remove_membership(team.id, next(iter(team.members)))
        stage.sync()
        assert {each: stage.asked()[f"/api/v2/team/{each}/memberships"] for each in stage.organization.teams} == {
            each: 2 if each == team.id else 1 for each in stage.organization.teams
        }

    @pytest.mark.parametrize("resource", [KEYS, TOKENS])
    def test_more_than_the_limit_at_once_are_refused_until_they_are_accepted(
        self, stage: Stage, resource: Resource
    ) -> None:
        at, owner = stage.organization, stage.reader.owner_id
        if resource is KEYS:
            made = [at.add_application_key(owner, name=f"n{number}").id for number in range(20)]
            delete: Callable[[str], None] = at.delete_application_key
        else:
            made = [at.add_token(owner, ["metrics_read"], name=f"n{number}").id for number in range(20)]
            delete = at.delete_token
        before = stage.sync().counts[resource]
        for each in made[:6]:
            delete(each)
        refused = stage.sync()
        assert isinstance(refused.error, RefusedError)
        assert (code(refused), refused.counts[resource], stage.news(refused)) == (4, before, Counter())
        assert "--accept-removals" in refused.error.line()
        assert str(resource) in refused.error.line()
        # Nothing was even asked: a listing that lost so much is likelier wrong than right.
        assert stage.asked()[PATHS[resource]] == 1
        assert not [path for path in stage.asked() if path.startswith(PATHS[resource] + "/")]
        too_few = stage.sync(accepted=5)
        assert (code(too_few), stage.news(too_few)) == (4, Counter())
        accepted = stage.sync(accepted=6)
        assert stage.news(accepted) == Counter(("credential.removed", each) for each in made[:6])
        assert accepted.error is None

    def test_what_is_refused_for_one_kind_does_not_hold_back_another(self, stage: Stage) -> None:
        at, owner = stage.organization, stage.reader.owner_id
        made = [at.add_application_key(owner, name=f"n{number}").id for number in range(20)]
        stage.sync()
        for each in made[:6]:
            at.delete_application_key(each)
        gone = next(iter(at.tokens))
        at.delete_token(gone)
        new = at.add_api_key("new")
        done = stage.sync()
        assert code(done) == 4
        assert stage.news(done) == Counter({("credential.removed", gone): 1, ("credential.added", new.id): 1})


class TestDenied:
    def test_a_read_key_without_org_app_keys_read(self, stage: Stage) -> None:
        first = stage.sync()
        key = stage.key(without("org_app_keys_read"))
        done = stage.sync(key)
        assert isinstance(done.error, PartialError)
        assert (code(done), code(done, detailed=False)) == (5, 5)
        for resource in (KEYS, TOKENS):
            one = coverage(done, resource)
            assert (one.state, one.reason) == (CoverageState.DENIED, "needs org_app_keys_read")
            assert done.counts[resource] == first.counts[resource]
        assert {resource for resource in Resource if not coverage(done, resource).proven} == {KEYS, TOKENS}
        assert "org_app_keys_read" in done.error.line()
        assert (stage.news(done), done.alerting) == (Counter(), 0)
        document = sync_document(done)
        assert document["status"] == "partial"
        assert document["complete"] is False
        assert document["coverage"]["application_keys"]["state"] == "denied"
        assert document["counts"]["application_keys"] == first.counts[KEYS]

    def test_a_list_of_only_the_callers_own_tokens_is_not_everybodys(self, stage: Stage) -> None:
        # With user_app_keys the list of tokens answers with those of the key's owner, and with their number.
        first = stage.sync()
        assert first.counts[TOKENS] > 1
        key = stage.key([*without("org_app_keys_read"), "user_app_keys"])
        done = stage.sync(key)
        assert (done.counts[TOKENS], stage.news(done)) == (first.counts[TOKENS], Counter())
        assert (coverage(done, TOKENS).state, coverage(done, TOKENS).reason) == ("denied", "needs org_app_keys_read")
        assert code(done) == 5

    def test_nor_where_the_application_keys_are_left_out(self, stage: Stage) -> None:
        first = stage.sync()
        key = stage.key([*without("org_app_keys_read"), "user_app_keys"])
        done = stage.sync(key, skip=[KEYS])
        assert (done.counts[TOKENS], stage.news(done)) == (first.counts[TOKENS], Counter())
        assert coverage(done, TOKENS).state is CoverageState.DENIED

    @pytest.mark.parametrize(
        "permission", ["org_app_keys_read", "api_keys_read", "org_authorized_apps_read", "teams_read"]
    )
    def test_each_missing_permission_is_named_and_costs_only_what_needs_it(self, stage: Stage, permission: str) -> None:
        done = stage.sync(stage.key(without(permission)))
        denied = {resource for resource in Resource if coverage(done, resource).state is CoverageState.DENIED}
        assert denied == {resource for resource, needs in PERMISSIONS.items() if needs == permission}
        assert all(permission in (coverage(done, each).reason or "") for each in denied)
        assert all(done.counts[each] == 0 for each in denied)
        assert all(coverage(done, each).proven for each in set(Resource) - denied)
        assert code(done) == 5

    def test_a_key_that_may_read_nothing_is_an_authentication_failure_and_stores_nothing(self, stage: Stage) -> None:
        first = stage.sync()
        done = stage.sync(stage.key([]))
        assert code(done) == 6
        assert done.run is not None
        assert done.run.undone
        assert done.counts == first.counts

    def test_what_opens_for_the_first_time_is_coverage_and_alerts_nobody(self, stage: Stage) -> None:
        key = stage.key(without("org_app_keys_read", "teams_read"))
        first = stage.sync(key)
        assert first.counts[KEYS] == first.counts[Resource.TEAMS] == first.counts[Resource.TEAM_MEMBERSHIPS] == 0
        stage.organization.rescope_key("read key", READING_SCOPES)
        done = stage.sync(key)
        told = stage.told(done)
        assert {each.kind for each in told} == {"credential.added", "team.added", "membership.added"}
        assert {each.cause for each in told} == {Cause.COVERAGE}
        assert {each.observed_after for each in told} == {None}
        assert len([each for each in told if each.kind == "credential.added"]) == (
            done.counts[KEYS] + done.counts[TOKENS]
        )
        assert (done.error, done.alerting, code(done)) == (None, 0, 0)
        assert (stage.news(stage.sync(key)), code(stage.sync(key))) == (Counter(), 0)

    def test_what_appeared_while_nobody_could_look_is_the_organizations_doing(self, stage: Stage) -> None:
        key = stage.key(READING_SCOPES)
        stage.sync(key)
        proven = stage.sync(key)
        stage.organization.rescope_key("read key", without("org_app_keys_read"))
        assert code(stage.sync(key)) == 5
        new = stage.organization.add_application_key(stage.reader.owner_id, name="made in the dark")
        gone = next(iter(stage.organization.tokens))
        stage.organization.delete_token(gone)
        assert stage.news(stage.sync(key)) == Counter()
        stage.organization.rescope_key("read key", READING_SCOPES)
        done = stage.sync(key)
        told = {each.subject_id: each for each in stage.told(done)}
        assert {one: each.kind for one, each in told.items()} == {
            new.id: "credential.added",
            gone: "credential.removed",
        }
        assert {each.cause for each in told.values()} == {Cause.ORG}
        # It happened at some time since the last look that could have shown it.
        assert told[new.id].observed_after == proven.observed[KEYS].started_at
        assert code(done) == 3

    def test_when_teams_are_denied_their_members_are_kept_and_not_asked_for(self, stage: Stage) -> None:
        key = stage.key(without("teams_read"))
        first = stage.sync()
        done = stage.sync(key)
        for resource in (Resource.TEAMS, Resource.TEAM_MEMBERSHIPS):
            assert done.counts[resource] == first.counts[resource]
        assert not [path for path in stage.asked() if path.endswith("/memberships")]
        assert stage.news(done) == Counter()

    def test_one_team_that_cannot_be_read_leaves_memberships_unproven_and_removes_nobody(self, stage: Stage) -> None:
        stage.sync()
        ids = sorted(stage.organization.teams)
        stage.organization.remove_membership(ids[1], next(iter(stage.organization.teams[ids[1]].members)))
        fault = stage.server.faults.add(Status(500), path=f"/api/v2/team/{ids[0]}/memberships", times=None)
        done = stage.sync()
        assert isinstance(done.error, IncompleteError)
        one = coverage(done, Resource.TEAM_MEMBERSHIPS)
        assert (one.state, one.expected) == (CoverageState.INCOMPLETE, None)
        assert (one.reason or "").startswith(f"1 of {len(ids)} listings")
        assert (code(done), stage.news(done)) == (7, Counter())
        stage.server.faults.remove(fault)
        assert [kind for kind, _ in stage.news(stage.sync())] == ["membership.removed"]


class TestSkip:
    def test_what_is_left_out_on_purpose_is_no_failure_and_not_asked_for(self, stage: Stage) -> None:
        skip = {KEYS, TOKENS, Resource.TEAMS, Resource.API_KEYS}
        done = stage.sync(skip=skip)
        assert (done.error, code(done)) == (None, 0)
        assert done.run is not None
        assert done.run.complete
        skipped = {resource for resource in Resource if coverage(done, resource).state is CoverageState.SKIPPED}
        # Without the teams there is nobody to ask for members.
        assert skipped == {*skip, Resource.TEAM_MEMBERSHIPS}
        assert not [path for path in stage.asked() if path.startswith(tuple(PATHS[each] for each in skip))]

    def test_a_permission_that_only_skipped_resources_need_is_not_missed(self, stage: Stage) -> None:
        done = stage.sync(stage.key(without("org_app_keys_read")), skip=[KEYS, TOKENS])
        assert (done.error, code(done)) == (None, 0)

    def test_what_is_skipped_later_is_kept(self, stage: Stage) -> None:
        first = stage.sync()
        done = stage.sync(skip=list(PATHS))
        assert done.counts == first.counts
        assert (stage.news(done), code(done)) == (Counter(), 0)

    def test_what_is_no_longer_skipped_is_coverage(self, stage: Stage) -> None:
        stage.sync(skip=[Resource.AUTHN_MAPPINGS])
        done = stage.sync()
        assert {(each.kind, each.cause) for each in stage.told(done)} == {("mapping.added", Cause.COVERAGE)}
        assert code(done) == 0


def table_rows(engine: Engine, name: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of one organization, its runs counted from 1; without what no two databases have in common."""
    org = runs.find_org(engine, name)
    assert org is not None
    numbers = {run.id: number for number, run in enumerate(runs.list_runs(engine, org.id), start=1)}
    found = MetaData()
    found.reflect(engine)
    dropped = {"key", "org_id", "rate_limit_left", "fencing_token", "audit_seq", "audit_hash"}
    rows: dict[str, list[dict[str, Any]]] = {}
    with engine.connect() as connection:
        for table in found.sorted_tables:
            if "org_id" not in table.c:
                continue
            own = {"id"} if table.name in {"runs", "changes", "evaluations"} else set()
            if table.name in {"findings", "finding_events"}:
                # What is found in a change is named after it, and a change after its run.
                own = {"id", "finding_id", "fingerprint", "digest", "evidence"}
            if table.name == "trail_events":
                own = {"change_ids"}
            mine = connection.execute(select(table).where(table.c.org_id == org.id)).mappings()
            rows[table.name] = sorted(
                (
                    {
                        name: numbers[value] if (name == "run_id" or name.endswith("_run")) and value else value
                        for name, value in row.items()
                        if name not in dropped | own
                    }
                    for row in mine
                ),
                key=repr,
            )
    return rows


def all_500(stage: Stage) -> None:
    stage.server.faults.add(Status(500), times=None)


def keys_refused(stage: Stage) -> None:
    stage.server.faults.add(Status(401), times=None)


def keys_refused_halfway(stage: Stage) -> None:
    stage.server.faults.add(Status(401), path=PATHS[Resource.TEAMS], times=None)


def login_pages(stage: Stage) -> None:
    stage.server.faults.add(Html(), path=PATHS[KEYS], times=None)


def unreachable(stage: Stage) -> None:
    stage.server.shutdown()


def half_gone(stage: Stage) -> None:
    stage.server.faults.add(HalfListing(0.4, totals_agree=True), times=None)


class TestSeveralOrganizations:
    @pytest.fixture
    def other(self, sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
        path = tmp_path / "alone.db"
        shutil.copy(sqlite_template, path)
        path.chmod(0o600)
        opened = connect(parse_url(f"sqlite:///{path}"))
        yield opened
        opened.dispose()

    @pytest.mark.parametrize(
        "fault",
        [all_500, keys_refused, keys_refused_halfway, login_pages, unreachable, half_gone],
        ids=lambda f: f.__name__,
    )
    def test_one_that_fails_changes_no_row_of_the_other(
        self, stage: Stage, other: Engine, fault: Callable[[Stage], None]
    ) -> None:
        alone = Stage(generate(USERS, 3, NOW), other)
        failing = Stage(generate(USERS, 4, NOW), stage.engine, "zulu")
        try:
            assert [one.error for one in (*run_all(stage, failing), *run_all(alone))] == [None] * 3
            for each in (stage, alone):
                drift(each.organization)
            fault(failing)
            healthy, failed = run_all(stage, failing)
            assert healthy.error is None
            assert failed.error is not None
            assert outcome_code([healthy, failed], detailed=False) == 5
            run_all(alone)
        finally:
            alone.server.shutdown()
            failing.server.shutdown()
        assert table_rows(stage.engine, "acme") == table_rows(other, "acme")
        assert table_rows(other, "acme")["changes"]

    def test_a_bug_in_one_is_its_own(self, stage: Stage) -> None:
        failing = Stage(generate(USERS, 4, NOW), stage.engine, "zulu")

        def bug(_resource: Resource, _received: int, _expected: int | None) -> None:
            raise ZeroDivisionError

        try:
            worlds = {"acme": stage.world(), "zulu": failing.world(bug)}
            wanted = [stage.target(), failing.target()]
            first, second = sync_all(stage.engine, wanted, terms(Settings()), lambda one: worlds[one.name])
        finally:
            failing.server.shutdown()
        assert first.error is None
        assert isinstance(second.error, AccessSyncError)
        assert (second.error.code, second.error.org) == ("bug", "zulu")
        assert runs.last_run(stage.engine, stage.view().org.id, published=True) is not None

    def test_answers_come_in_the_order_asked_for(self, stage: Stage) -> None:
        failing = Stage(generate(USERS, 4, NOW), stage.engine, "zulu")
        unreachable(failing)
        assert [one.org for one in run_all(failing, stage)] == ["zulu", "acme"]


def run_all(*stages: Stage) -> list[Synced]:
    worlds = {each.name: each.world() for each in stages}
    wanted = [each.target() for each in stages]
    return list(sync_all(stages[0].engine, wanted, terms(Settings()), lambda one: worlds[one.name]))


def drift(organization: Organization) -> None:
    key = next(each for each in organization.app_keys.values() if each.scopes)
    organization.rescope_key(key.id, None)
    organization.delete_token(next(iter(organization.tokens)))


WIRE = (KEYS, TOKENS, Resource.API_KEYS, Resource.OAUTH_CLIENTS, Resource.TEAMS, Resource.AUTHN_MAPPINGS)
NAMELESS = {"no_id", "null_id", "empty"}


class TestBadRecords:
    @pytest.mark.parametrize("kind", BadRecord.kinds())
    def test_one_bad_record_in_each_listing_costs_neither_the_others_nor_the_run(self, stage: Stage, kind: str) -> None:
        stage.sync()
        before = held(stage)
        faults = [stage.server.faults.add(BadRecord(kind), path=PATHS[each], times=None) for each in WIRE]
        done = stage.sync()
        assert min(fault.fired for fault in faults) > 0
        assert done.run is not None
        assert not done.run.undone
        assert done.run.removed == 0
        assert done.error is None or isinstance(done.error, PartialError | IncompleteError)
        seen = [coverage(done, each) for each in WIRE]
        assert {each.state for each in seen} == {"incomplete" if kind in NAMELESS else "complete"}
        degraded = sum(each.degraded for each in seen)
        assert code(done, detailed=False) == (7 if kind in NAMELESS else 5 if degraded else 0)
        assert ids(held(stage)) == ids(before)
        stage.server.faults.clear()
        healed = stage.sync()
        assert healed.error is None
        assert held(stage) == before

    @pytest.mark.parametrize(
        ("resource", "attributes"),
        [
            (KEYS, {"scopes": "everything"}),
            (KEYS, {"scopes": [1, None]}),
            (KEYS, {"name": {"en": "x"}, "created_at": []}),
            (KEYS, {"last4": 1234}),
            (TOKENS, {"scopes": {"a": True}}),
            (TOKENS, {"expires_at": "never"}),
            (Resource.API_KEYS, {"category": 7}),
            (Resource.TEAMS, {"handle": ["x"]}),
            (Resource.AUTHN_MAPPINGS, {"created_at": 5}),
        ],
        ids=str,
    )
    def test_an_attribute_that_cannot_be_understood_is_counted_and_keeps_its_value(
        self, stage: Stage, resource: Resource, attributes: dict[str, Any]
    ) -> None:
        stage.sync()
        before = held(stage)
        stage.server.faults.add(PatchRecord(attributes), path=PATHS[resource], times=None)
        done = stage.sync()
        assert coverage(done, resource).degraded == (2 if resource is Resource.AUTHN_MAPPINGS else 1)
        assert (code(done), stage.news(done), held(stage)) == (5, Counter(), before)

    def test_scopes_that_were_never_understood_are_unknown_and_not_unlimited(self, stage: Stage) -> None:
        stage.server.faults.add(PatchRecord({"scopes": "everything"}), path=PATHS[KEYS], times=None)
        done = stage.sync()
        unknown = [one for one in stage.credentials().values() if not one["scopes_known"]]
        assert [one["type"] for one in unknown] == ["application_key"]
        assert code(done) == 5

    @pytest.mark.parametrize(
        ("resource", "effect", "wanted"),
        [
            (TOKENS, BadRecord("unknown_type"), "wombats"),
            (KEYS, BadRecord("unknown_type"), "application_key"),
        ],
    )
    def test_a_type_that_nobody_knows_is_kept_as_it_is(
        self, stage: Stage, resource: Resource, effect: Effect, wanted: str
    ) -> None:
        stage.server.faults.add(effect, path=PATHS[resource], times=None)
        done = stage.sync()
        assert done.error is None
        assert wanted in {one["type"] for one in stage.credentials().values()}

    def test_a_role_in_a_team_that_nobody_knows_is_kept_as_it_is(self, stage: Stage) -> None:
        team = next(iter(stage.organization.teams))
        stage.server.faults.add(PatchRecord({"role": "emperor"}), path=f"/api/v2/team/{team}/memberships", times=None)
        assert stage.sync().error is None
        shown = {one["id"]: one for one in credentials_job.teams(stage.engine, stage.view())}
        assert "emperor" in {one["role"] for one in shown[team]["members"]}

    def test_a_secret_that_the_api_sends_along_is_kept_nowhere(self, stage: Stage) -> None:
        canary = "c4n4ry00" * 5
        for resource in (KEYS, Resource.API_KEYS, TOKENS):
            patch = {"key": canary, "api_key": canary, "token": canary, "last4": canary, "public_portion": canary * 2}
            stage.server.faults.add(PatchRecord(patch), path=PATHS[resource], times=None)
        stage.sync()
        files = Path(str(stage.engine.url.database)).parent.glob("history.db*")
        assert canary[:20].encode() not in b"".join(path.read_bytes() for path in files)
        assert {one["last4"] for one in stage.credentials().values()} >= {canary[-4:]}


def held(stage: Stage) -> tuple[Any, ...]:
    """Everything that readers see of the resources beside users and roles, without what activity brings."""
    moment = stage.view().moment
    credentials = [(one.resource, one.credential) for one in inventory.list_credentials(stage.engine, moment)]
    return (
        sorted(credentials, key=lambda one: (one[0], one[1].id)),
        sorted(inventory.list_teams(stage.engine, moment), key=lambda one: one[0].id),
        sorted(inventory.list_memberships(stage.engine, moment), key=lambda one: one[0].id),
        sorted(inventory.list_mappings(stage.engine, moment), key=lambda one: one[0].id),
    )


def ids(of: tuple[Any, ...]) -> list[set[str]]:
    credentials, *others = of
    return [{one.id for _, one in credentials}, *({one.id for one, _ in each} for each in others)]
