"""Keys, tokens, OAuth clients, teams and mappings in the history: told apart, read back, undone, never mixed."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import Engine, select

from accesssync.jobs.sync.run import Synced
from accesssync.model.change import Cause, Change
from accesssync.model.coverage import CoverageState, Resource
from accesssync.model.credential import Credential
from accesssync.model.team import Mapping as AuthnMapping
from accesssync.model.team import Membership, Team, membership_id
from accesssync.snapshot.source import Listing
from accesssync.store import changes, inventory, runs
from accesssync.store.inventory import CredentialAt, Moment
from accesssync.store.tables import credentials, metadata
from tests.builders import JUDGED, LONG_AGO, NOW, FakeSource, Org, Syncing, dump, identity

KEYS = Resource.APPLICATION_KEYS
API = Resource.API_KEYS
TOKENS = Resource.ACCESS_TOKENS
CLIENTS = Resource.OAUTH_CLIENTS
CREDENTIALS = (KEYS, API, TOKENS, CLIENTS)
TYPES = {KEYS: "application_key", API: "api_key", TOKENS: "service_access_token", CLIENTS: "oauth_client"}
BOOKS = ("runs", "orgs", "coverage", "audit", *JUDGED)
"""Tables that every run writes to."""


def credential(resource: Resource, one: str = "c-1", **facts: Any) -> Credential:
    """A credential whose facts are set, `facts` on top."""
    usual: dict[str, Any] = {
        "id": one,
        "type": TYPES[resource],
        "name": f"{resource} {one}",
        "owner_id": "user-0001" if resource in {KEYS, TOKENS} else None,
        "created_by_id": "user-0001" if resource is API else None,
        "scopes": ("metrics_read",) if resource in {KEYS, TOKENS} else None,
        "created_at": LONG_AGO,
        "last4": "ab12",
        "last_used_at": None,
    }
    return Credential(**{**usual, **facts})


class Whole(Org):
    """An organization that has one of everything."""

    def __init__(self) -> None:
        super().__init__(3)
        self.held: dict[Resource, dict[str, Credential]] = {each: {} for each in CREDENTIALS}
        self.teams = {one: Team(id=one, name=one.title(), handle=one, created_at=LONG_AGO) for one in ("core", "web")}
        self.members: dict[str, Membership] = {}
        self.mappings = {
            "map-1": AuthnMapping(id="map-1", attribute_key="group", attribute_value="dev", role_id="role-1")
        }
        for each in CREDENTIALS:
            self.hold(each, credential(each, f"{each}-1", user_ids=("user-0001",) if each is CLIENTS else ()))
        self.join("core", "user-0001", "admin")
        self.join("core", "user-0002")
        self.join("web", "user-0002")

    def hold(self, resource: Resource, one: Credential) -> None:
        self.held[resource][one.id] = one

    def alter(self, resource: Resource, one: str, **facts: Any) -> None:
        self.held[resource][one] = replace(self.held[resource][one], **facts)

    def join(self, team: str, user: str, role: str | None = None) -> None:
        one = membership_id(team, user)
        self.members[one] = Membership(id=one, team_id=team, user_id=user, role=role)


class Reading(FakeSource):
    """Lists a Whole."""

    def __init__(self, org: Whole) -> None:
        super().__init__(org)
        self.whole = org

    def application_keys(self) -> Listing[Credential]:
        return self._credentials(KEYS)

    def api_keys(self) -> Listing[Credential]:
        return self._credentials(API)

    def access_tokens(self) -> Listing[Credential]:
        return replace(self._credentials(TOKENS), get=None)

    def oauth_clients(self) -> Listing[Credential]:
        return self._credentials(CLIENTS)

    def teams(self) -> Listing[Team]:
        return self._listing(Resource.TEAMS, self.whole.teams, may_be_empty=True)

    def team_memberships(self, team_id: str) -> Listing[Membership]:
        mine = {one: member for one, member in self.whole.members.items() if member.team_id == team_id}
        return replace(self._listing(Resource.TEAM_MEMBERSHIPS, mine, may_be_empty=True), get=None)

    def authn_mappings(self) -> list[Listing[AuthnMapping]]:
        return [
            self._listing(Resource.AUTHN_MAPPINGS, mappings, may_be_empty=True)
            for mappings in (
                {one: each for one, each in self.whole.mappings.items() if each.role_id},
                {one: each for one, each in self.whole.mappings.items() if not each.role_id},
            )
        ]

    def _credentials(self, resource: Resource) -> Listing[Credential]:
        return self._listing(resource, self.whole.held[resource], may_be_empty=True)


@pytest.fixture
def org() -> Whole:
    return Whole()


@pytest.fixture
def observe(sync: Syncing, org: Whole) -> Callable[[], Synced]:
    """One run over the organization as it is."""

    def run() -> Synced:
        done = sync(Reading(org))
        assert done.error is None
        assert {one.coverage.state for one in done.observed.values()} == {CoverageState.COMPLETE}
        return done

    return run


Observe = Callable[[], Synced]


def told(engine: Engine, done: Synced) -> list[Change]:
    assert done.run is not None
    run = done.run
    return list(changes.list_changes(engine, done.org, run.org_id, after_run=run.id - 1, until_run=run.id))


def news(engine: Engine, done: Synced) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Kind, subject's id, subject and fields of every change of a run."""
    return [(one.kind, one.subject_id, one.subject, dict(one.fields)) for one in told(engine, done)]


def at(done: Synced, day: date | None = None) -> Moment:
    assert done.run is not None
    return Moment(done.run.org_id, done.run.id, day or NOW.date() + timedelta(days=30))


def stored(engine: Engine, moment: Moment) -> dict[tuple[str, str], Credential]:
    found: list[CredentialAt] = list(inventory.list_credentials(engine, moment))
    return {(one.resource, one.credential.id): one.credential for one in found}


class TestFourResourcesInOneTable:
    def test_one_id_in_four_resources_is_four_credentials(self, engine: Engine, observe: Observe, org: Whole) -> None:
        for each in CREDENTIALS:
            org.hold(each, credential(each, "same"))
        done = observe()
        found = stored(engine, at(done))
        assert {resource for resource, one in found if one == "same"} == set(CREDENTIALS)
        assert {each: found[each, "same"] for each in CREDENTIALS} == {
            each: credential(each, "same") for each in CREDENTIALS
        }
        assert [done.counts[each] for each in CREDENTIALS] == [2, 2, 2, 2]

    def test_all_four_may_appear_in_one_run_and_each_is_told(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        # Changes have ids of their own; what differs only by its listing must not get one and the same.
        observe()
        for each in CREDENTIALS:
            org.hold(each, credential(each, "same"))
        done = observe()
        assert sorted(fields["type"][1] for _, _, _, fields in news(engine, done)) == sorted(TYPES.values())
        assert len({one.id for one in told(engine, done)}) == 4

    @pytest.mark.parametrize("changed", CREDENTIALS)
    def test_a_change_of_one_leaves_the_others_of_that_id_alone(
        self, engine: Engine, observe: Observe, org: Whole, changed: Resource
    ) -> None:
        for each in CREDENTIALS:
            org.hold(each, credential(each, "same"))
        observe()
        org.alter(changed, "same", name="renamed")
        done = observe()
        assert news(engine, done) == [
            ("credential.updated", "same", "renamed ..ab12", {"name": (f"{changed} same", "renamed")})
        ]
        assert {resource for (resource, _), one in stored(engine, at(done)).items() if one.name == "renamed"} == {
            changed
        }

    @pytest.mark.parametrize("gone", CREDENTIALS)
    def test_a_removal_of_one_leaves_the_others_of_that_id_alone(
        self, engine: Engine, observe: Observe, org: Whole, gone: Resource
    ) -> None:
        for each in CREDENTIALS:
            org.hold(each, credential(each, "same"))
        observe()
        del org.held[gone]["same"]
        done = observe()
        assert [(kind, fields["type"]) for kind, _, _, fields in news(engine, done)] == [
            ("credential.removed", (TYPES[gone], None))
        ]
        assert {resource for resource, one in stored(engine, at(done)) if one == "same"} == set(CREDENTIALS) - {gone}

    def test_the_last_use_of_one_is_not_that_of_another_with_its_id(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        for number, each in enumerate(CREDENTIALS):
            org.hold(each, credential(each, "same", last_used_at=LONG_AGO + timedelta(days=number)))
        found = stored(engine, at(observe()))
        assert [found[each, "same"].last_used_at for each in CREDENTIALS] == [
            LONG_AGO + timedelta(days=number) for number in range(4)
        ]


class TestScopes:
    @pytest.mark.parametrize("scopes", [None, (), ("metrics_read",), ("a", "b", "c")])
    def test_unscoped_scoped_to_nothing_and_scoped_are_read_back_as_they_were(
        self, engine: Engine, observe: Observe, org: Whole, scopes: tuple[str, ...] | None
    ) -> None:
        org.hold(KEYS, credential(KEYS, "key", scopes=scopes))
        one = stored(engine, at(observe()))[KEYS, "key"]
        assert (one.scopes, one.scopes_known) == (scopes, True)

    def test_unscoped_is_null_in_the_database_and_not_a_json_null(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        # Whoever asks in SQL for keys without limits asks with IS NULL.
        org.hold(KEYS, credential(KEYS, "all", scopes=None))
        org.hold(KEYS, credential(KEYS, "none", scopes=()))
        observe()
        with engine.connect() as connection:
            query = select(credentials.c.id).where(credentials.c.scopes.is_(None), credentials.c.resource == KEYS)
            assert list(connection.execute(query).scalars()) == ["all"]

    @pytest.mark.parametrize(
        ("before", "after"),
        [(None, ()), ((), None), (None, ("a",)), (("a",), None), (("a",), ("a", "b")), (("a",), ())],
    )
    def test_every_step_between_them_is_told(
        self,
        engine: Engine,
        observe: Observe,
        org: Whole,
        before: tuple[str, ...] | None,
        after: tuple[str, ...] | None,
    ) -> None:
        org.hold(KEYS, credential(KEYS, "key", scopes=before))
        observe()
        org.alter(KEYS, "key", scopes=after)
        done = observe()
        shown = tuple(None if one is None else list(one) for one in (before, after))
        assert [(kind, fields) for kind, _, _, fields in news(engine, done)] == [
            ("credential.updated", {"scopes": shown})
        ]
        assert stored(engine, at(done))[KEYS, "key"].scopes == after

    def test_scopes_that_could_not_be_understood_are_unknown_and_not_unlimited(
        self, engine: Engine, sync: Syncing, org: Whole
    ) -> None:
        bad = {"scopes": None, "scopes_known": False, "malformed": ("scopes", "scopes_known")}
        org.hold(KEYS, credential(KEYS, "new", **bad))
        found = stored(engine, at(sync(Reading(org))))[KEYS, "new"]
        assert (found.scopes, found.scopes_known) == (None, False)

    def test_scopes_that_are_not_understood_this_time_stay_what_they_were(
        self, engine: Engine, sync: Syncing, org: Whole
    ) -> None:
        org.hold(KEYS, credential(KEYS, "key", scopes=("a",)))
        sync(Reading(org))
        good = org.held[KEYS]["key"]
        org.alter(KEYS, "key", scopes=None, scopes_known=False, malformed=("scopes", "scopes_known"))
        done = sync(Reading(org))
        found = stored(engine, at(done))[KEYS, "key"]
        assert (found.scopes, found.scopes_known, news(engine, done)) == (("a",), True, [])
        org.hold(KEYS, good)
        assert news(engine, sync(Reading(org))) == []


class TestOAuthUsers:
    def test_who_authorized_a_client_and_who_withdrew_is_told_by_name(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        observe()
        org.alter(CLIENTS, f"{CLIENTS}-1", user_ids=("user-0002", "nobody-listed"))
        done = observe()
        subject = f"{CLIENTS} {CLIENTS}-1 ..ab12"
        assert news(engine, done) == [
            (
                "credential.user_added",
                f"{CLIENTS}-1",
                subject,
                {"user": (None, "nobody-listed"), "user_id": (None, "nobody-listed")},
            ),
            (
                "credential.user_removed",
                f"{CLIENTS}-1",
                subject,
                {"user": ("person1@example.com", None), "user_id": ("user-0001", None)},
            ),
            (
                "credential.user_added",
                f"{CLIENTS}-1",
                subject,
                {"user": (None, "person2@example.com"), "user_id": (None, "user-0002")},
            ),
        ]
        assert stored(engine, at(done))[CLIENTS, f"{CLIENTS}-1"].user_ids == ("nobody-listed", "user-0002")

    def test_who_had_authorized_it_then_is_still_readable(self, engine: Engine, observe: Observe, org: Whole) -> None:
        first = observe()
        org.alter(CLIENTS, f"{CLIENTS}-1", user_ids=())
        second = observe()
        assert stored(engine, at(first))[CLIENTS, f"{CLIENTS}-1"].user_ids == ("user-0001",)
        assert stored(engine, at(second))[CLIENTS, f"{CLIENTS}-1"].user_ids == ()

    def test_a_client_that_is_gone_takes_its_authorizations_along(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        observe()
        org.held[CLIENTS].clear()
        done = observe()
        assert [kind for kind, *_ in news(engine, done)] == ["credential.removed", "credential.user_removed"]
        assert not [one for one in stored(engine, at(done)) if one[0] == CLIENTS]

    def test_no_other_credential_with_the_id_of_a_client_gets_its_users(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        for each in CREDENTIALS:
            org.hold(each, credential(each, "same", user_ids=("user-0003",) if each is CLIENTS else ()))
        found = stored(engine, at(observe()))
        assert [found[each, "same"].user_ids for each in CREDENTIALS] == [(), (), (), ("user-0003",)]


class TestTeams:
    def test_joining_leaving_and_promotion_are_told_of_the_person_with_the_name_of_the_team(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        observe()
        org.join("web", "user-0003", "admin")
        org.join("core", "user-0002", "admin")
        del org.members[membership_id("web", "user-0002")]
        done = observe()
        joined = {"team_id": (None, "web"), "user_id": (None, "user-0003"), "role": (None, "admin")}
        assert sorted(news(engine, done), key=lambda one: one[0]) == [
            ("membership.added", "user-0003", "person3@example.com", {"team": (None, "Web"), **joined}),
            (
                "membership.removed",
                "user-0002",
                "person2@example.com",
                {"team": ("Web", None), "team_id": ("web", None), "user_id": ("user-0002", None)},
            ),
            (
                "membership.updated",
                "user-0002",
                "person2@example.com",
                {"team": (None, "Core"), "role": (None, "admin")},
            ),
        ]

    def test_one_person_may_join_several_teams_in_one_run(self, engine: Engine, observe: Observe, org: Whole) -> None:
        observe()
        org.join("web", "user-0003")
        org.join("core", "user-0003")
        done = observe()
        assert sorted(fields["team"][1] for *_, fields in news(engine, done)) == ["Core", "Web"]

    def test_a_membership_of_somebody_whom_no_listing_shows_is_kept_and_told_by_id(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        observe()
        org.join("web", "ghost")
        done = observe()
        assert [(kind, one, name) for kind, one, name, _ in news(engine, done)] == [
            ("membership.added", "ghost", "ghost")
        ]
        assert "web:ghost" in {one.id for one, _ in inventory.list_memberships(engine, at(done))}

    def test_the_changes_of_one_person_hold_its_memberships(self, engine: Engine, observe: Observe, org: Whole) -> None:
        observe()
        org.join("web", "user-0003")
        done = observe()
        assert done.run is not None
        mine = changes.list_changes(engine, "acme", done.run.org_id, until_run=done.run.id, subject_id="user-0003")
        assert [one.kind for one in mine] == ["membership.added"]

    def test_a_team_that_is_gone_takes_its_memberships_along_and_no_others(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        first = observe()
        del org.teams["core"]
        for one in ("user-0001", "user-0002"):
            del org.members[membership_id("core", one)]
        done = observe()
        assert [(kind, one) for kind, one, *_ in news(engine, done)] == [
            ("team.removed", "core"),
            ("membership.removed", "user-0001"),
            ("membership.removed", "user-0002"),
        ]
        assert {fields["team"] for kind, *_, fields in news(engine, done) if kind.startswith("membership")} == {
            ("Core", None)
        }
        assert {one.id for one, _ in inventory.list_memberships(engine, at(done))} == {"web:user-0002"}
        assert len(inventory.list_memberships(engine, at(first))) == 3

    def test_more_members_than_a_run_may_remove_leave_with_their_team(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        # The limit is against listings that lost something; these went with a team that a GET proved gone.
        for number in range(60):
            org.join("web", f"many-{number}")
        observe()
        del org.teams["web"]
        org.members = {one: each for one, each in org.members.items() if each.team_id != "web"}
        done = observe()
        assert {each.team_id for each, _ in inventory.list_memberships(engine, at(done))} == {"core"}

    def test_a_mapping_that_gives_something_else_is_told_with_both_ends(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        observe()
        org.mappings["map-1"] = replace(org.mappings["map-1"], role_id=None, team_id="web")
        org.mappings["map-2"] = AuthnMapping(id="map-2", attribute_key="group", attribute_value="ops", role_id="role-2")
        done = observe()
        assert news(engine, done) == [
            ("mapping.updated", "map-1", "group=dev", {"role_id": ("role-1", None), "team_id": (None, "web")}),
            (
                "mapping.added",
                "map-2",
                "group=ops",
                {
                    "attribute_key": (None, "group"),
                    "attribute_value": (None, "ops"),
                    "role_id": (None, "role-2"),
                },
            ),
        ]
        assert {one.id: (one.role_id, one.team_id) for one, _ in inventory.list_mappings(engine, at(done))} == {
            "map-1": (None, "web"),
            "map-2": ("role-2", None),
        }


class TestRuns:
    def test_a_run_over_an_unchanged_organization_writes_nothing_but_itself(
        self, engine: Engine, observe: Observe
    ) -> None:
        observe()
        before = dump(engine, *BOOKS)
        done = observe()
        assert dump(engine, *BOOKS) == before
        assert done.alerting == 0

    def test_a_baseline_counts_exactly_what_it_lists(self, engine: Engine, observe: Observe) -> None:
        from accesssync.store import history

        done = observe()
        assert done.run is not None
        deltas = list(history.deltas(engine, done.run.org_id, done.run.id))
        assert done.run.added == len(deltas)
        assert {one.kind.rpartition(".")[0] for one in deltas} == {
            "role", "role_permission", "identity", "grant", "credential", "team", "membership", "mapping",
        }  # fmt: skip

    def test_an_abandoned_run_is_undone_in_every_table(
        self, engine: Engine, sync: Syncing, observe: Observe, org: Whole, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        observe()
        before = dump(engine, *BOOKS, "activity")
        turn_over(org)

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            # Neither published nor taken back: as when the machine loses its power.
            patched.setattr(runs, "publish", killed)
            patched.setattr(runs, "fail", killed)
            with pytest.raises(KeyboardInterrupt):
                sync(Reading(org))
        halfway = dump(engine, *BOOKS, "activity")
        written = {name for name in before if halfway[name] != before[name]}
        assert written == {
            "authn_mappings", "changes", "classifications", "credentials", "grants", "identities", "memberships",
            "oauth_authorizations", "role_permissions", "roles", "teams",
        }  # fmt: skip

        blind = Reading(org)
        blind.before = refuse
        assert sync(blind).error is not None
        assert dump(engine, *BOOKS, "activity") == before

        done = observe()
        assert {one.kind.rpartition(".")[0] for one in told(engine, done)} >= {"credential", "team", "mapping"}
        assert {one.cause for one in told(engine, done)} == {Cause.ORG}

    def test_every_table_of_facts_is_known_to_what_undoes(self) -> None:
        facts = {name for name, table in metadata.tables.items() if "from_run" in table.c}
        assert facts == {table.name for table in runs.HISTORY}

    def test_a_reader_sees_credentials_teams_and_mappings_of_the_run_it_asks_for(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        first = observe()
        known = held_at(engine, first)
        turn_over(org)
        second = observe()
        assert held_at(engine, first) == known
        assert held_at(engine, second) != known


class TestLastUse:
    def test_a_later_use_is_activity_and_no_change(self, engine: Engine, observe: Observe, org: Whole) -> None:
        observe()
        for each in CREDENTIALS:
            org.alter(each, f"{each}-1", last_used_at=NOW)
        # A key in use is evidence of who its owner is: that alone may be judged anew.
        before = dump(engine, *BOOKS, "activity", "classifications")
        done = observe()
        assert news(engine, done) == []
        assert dump(engine, *BOOKS, "activity", "classifications") == before

    def test_last_use_is_read_as_it_was_known_on_that_day(
        self, engine: Engine, sync: Syncing, observe: Observe, org: Whole
    ) -> None:
        used = {KEYS: NOW - timedelta(days=3), API: None, TOKENS: NOW - timedelta(hours=1), CLIENTS: NOW}
        for each, when in used.items():
            org.alter(each, f"{each}-1", last_used_at=when)
        first = observe()
        sync.clock.advance(days=2)
        later: Mapping[Resource, datetime] = dict.fromkeys(CREDENTIALS, NOW + timedelta(days=1))
        for each, moved in later.items():
            org.alter(each, f"{each}-1", last_used_at=moved)
        second = observe()
        assert last_uses(engine, at(first, NOW.date())) == used
        assert last_uses(engine, at(first, NOW.date() + timedelta(days=1))) == used
        assert last_uses(engine, at(second, NOW.date() + timedelta(days=2))) == later

    def test_never_used_and_not_said_are_different(self, engine: Engine, observe: Observe, org: Whole) -> None:
        org.hold(KEYS, credential(KEYS, "never", last_used_at=None))
        org.hold(KEYS, credential(KEYS, "unsaid", last_used_at=UNSET))
        found = stored(engine, at(observe()))
        assert (found[KEYS, "never"].last_used_at, found[KEYS, "unsaid"].last_used_at) == (None, UNSET)

    def test_what_is_not_said_any_more_does_not_take_back_what_was(
        self, engine: Engine, observe: Observe, org: Whole
    ) -> None:
        org.alter(KEYS, f"{KEYS}-1", last_used_at=NOW)
        observe()
        org.alter(KEYS, f"{KEYS}-1", last_used_at=UNSET)
        assert stored(engine, at(observe()))[KEYS, f"{KEYS}-1"].last_used_at == NOW


def refuse(_resource: Resource, _page: int) -> None:
    from accesssync.errors import AuthenticationError

    raise AuthenticationError("401")


def last_uses(engine: Engine, moment: Moment) -> dict[Resource, object]:
    found = stored(engine, moment)
    return {each: found[each, f"{each}-1"].last_used_at for each in CREDENTIALS}


def held_at(engine: Engine, done: Synced) -> tuple[object, ...]:
    moment = at(done)
    return (
        stored(engine, moment),
        inventory.list_teams(engine, moment),
        inventory.list_memberships(engine, moment),
        inventory.list_mappings(engine, moment),
    )


def turn_over(org: Whole) -> None:
    """Change, remove and add something of every kind."""
    for each in CREDENTIALS:
        org.alter(each, f"{each}-1", name="changed")
        org.hold(each, credential(each, f"{each}-2", user_ids=("user-0002",) if each is CLIENTS else ()))
    org.alter(CLIENTS, f"{CLIENTS}-1", user_ids=("user-0003",))
    del org.held[API][f"{API}-1"]
    del org.teams["web"]
    del org.members[membership_id("web", "user-0002")]
    org.teams["new"] = Team(id="new", name="New")
    org.join("core", "user-0003")
    org.join("core", "user-0001")
    org.mappings["map-2"] = replace(org.mappings.pop("map-1"), id="map-2")
    org.put(identity(1, name="Changed", role_ids=("role-2",)), replace(org.roles["role-1"], name="Changed"))
    org.put(replace(org.roles["role-2"], permission_ids=("perm-2",)))
