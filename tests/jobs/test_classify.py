"""Who is not a person, through whole runs: stored where it differs, decided by people, never flipped."""

import random
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from accesssync.errors import IncompleteError, TransportError, UsageError
from accesssync.jobs import inventory
from accesssync.jobs.demo.stage import Stage, Surroundings, settings_for
from accesssync.jobs.machines import declared_credentials, list_machines, show_machine
from accesssync.jobs.opening import open_to_write
from accesssync.jobs.sync.classify import Judging
from accesssync.jobs.sync.document import sync_document
from accesssync.jobs.sync.run import Synced, Target, Terms, World, sync_org
from accesssync.model.coverage import Resource
from accesssync.model.when import AtRun
from accesssync.nhi.lexicon import base_lexicon, load_lexicon
from accesssync.nhi.verdict import Decision
from accesssync.sandbox import SandboxServer, generate
from accesssync.snapshot.listing import Limits
from accesssync.store.tables import classifications
from tests.builders import JUDGED, NOW, FakeSource, Org, Syncing, dump, identity
from tests.jobs.machines import KeyedSource, decide_now, key, verdicts, view_of

BOT = identity(7, name="Deploy Bot", email="deploy-bot@example.com", handle="deploy-bot@example.com")
ACCOUNT = identity(8, name="reader", email="x-1@example.com", service_account=True)
SLEEPER = identity(9, name="Ada Lovelace", email="ada.lovelace@example.com", handle="ada.lovelace@example.com")
ASLEEP = NOW - timedelta(days=300)
YESTERDAY = NOW - timedelta(days=1)
HUMAN = Decision("human")


@pytest.fixture
def org() -> Org:
    made = Org()
    made.put(BOT, ACCOUNT, SLEEPER)
    return made


def with_rules(engine: Engine, source: FakeSource, sync: Syncing, judging: Judging) -> Synced:
    target = Target(name="acme", site="datadoghq.eu", skip=frozenset(), judging=judging, open=lambda: source)
    world = World(clock=sync.clock, sleep=time.sleep, on_page=lambda *_: None)
    return sync_org(engine, target, Terms(limits=Limits(size=100, ahead=2), concurrency=2), world)


def test_everybody_is_classified_with_reasons(engine: Engine, sync: Syncing, org: Org) -> None:
    done = sync(FakeSource(org))
    found = verdicts(engine)
    assert set(found) == set(org.users)
    assert (found[BOT.id]["label"], found[BOT.id]["basis"]) == ("nhi", "inferred")
    assert (found[ACCOUNT.id]["label"], found[ACCOUNT.id]["basis"]) == ("nhi", "declared")
    assert found[SLEEPER.id]["label"] == "human"
    for one in found.values():
        assert one["score"] == sum(signal["points"] for signal in one["signals"])
        assert one["ruleset"] == base_lexicon().version
    assert sync_document(done)["nhi"] == {"total": 2, "declared": 1, "inferred": 1, "review": 0}
    assert done.org_domains == ("example.com",)


def test_an_unchanged_sync_writes_no_classification(engine: Engine, sync: Syncing, org: Org) -> None:
    source = KeyedSource(org, key(1, SLEEPER.id, "terraform", YESTERDAY))
    org.put(identity(9, name="Ada Lovelace", last_login_at=ASLEEP))
    sync(source)
    before = dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED)
    sync.clock.advance(days=1)
    sync(source)
    assert dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED) == before


def test_only_who_differs_is_written_and_the_past_stays(engine: Engine, sync: Syncing, org: Org) -> None:
    first = sync(FakeSource(org))
    org.put(identity(9, name="Release Bot", email="release-bot@example.com"), identity(2, role_ids=("role-2",)))
    sync(FakeSource(org))
    assert verdicts(engine)[SLEEPER.id]["label"] == "nhi"
    assert first.run is not None
    with engine.connect() as connection:
        begun = select(func.count()).where(classifications.c.from_run > first.run.id)
        assert connection.execute(begun).scalar_one() == 1
    (view,) = inventory.views(engine, ["acme"], AtRun(first.run.id), lambda _error: None)
    then = {one["id"]: one["classification"] for one in inventory.identities(engine, view)}
    assert then[SLEEPER.id]["label"] == "human"


def test_a_failed_run_leaves_no_classification(engine: Engine, sync: Syncing, org: Org) -> None:
    sync(FakeSource(org))
    before = dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED)
    org.put(identity(1, name="Release Bot", email="release-bot@example.com"))
    with pytest.MonkeyPatch.context() as patch:

        def broken(*_: object) -> None:
            raise TransportError("gone")

        patch.setattr("accesssync.jobs.sync.run.runs.publish", broken)
        assert sync(FakeSource(org)).error is not None
    assert dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED) == before


def test_whoever_is_gone_is_classified_no_more(engine: Engine, sync: Syncing, org: Org) -> None:
    sync(FakeSource(org))
    org.drop(BOT.id)
    sync(FakeSource(org))
    done = sync(FakeSource(org))
    assert BOT.id not in verdicts(engine)
    assert done.nhi["inferred"] == 0
    with engine.connect() as connection:
        ended = select(classifications.c.id).where(classifications.c.to_run.is_not(None))
        assert list(connection.execute(ended).scalars()) == [BOT.id]


def test_keys_that_were_not_read_say_nothing(engine: Engine, sync: Syncing, org: Org) -> None:
    source = KeyedSource(org, key(1, SLEEPER.id, "terraform", YESTERDAY))
    sync(source, skip=[Resource.APPLICATION_KEYS, Resource.ACCESS_TOKENS])
    assert not [one for one in verdicts(engine)[SLEEPER.id]["signals"] if one["id"] in ("B1", "B3")]
    sync(source)
    assert [one for one in verdicts(engine)[SLEEPER.id]["signals"] if one["id"] in ("B1", "B3")]


def test_keys_in_use_while_nobody_logs_in_are_found(engine: Engine, sync: Syncing, org: Org) -> None:
    org.put(identity(9, name="Ada Lovelace", email="ada.lovelace@example.com", last_login_at=ASLEEP))
    sync(KeyedSource(org, key(1, SLEEPER.id, "laptop", YESTERDAY)))
    (signal,) = [one for one in verdicts(engine)[SLEEPER.id]["signals"] if one["id"] == "B2"]
    assert signal["text"] == f"no login since {ASLEEP:%Y-%m-%d}, but a key of it was used within 30 days"


def test_a_new_ruleset_classifies_again_without_a_change(engine: Engine, sync: Syncing, org: Org) -> None:
    sync(FakeSource(org))
    words = load_lexicon(base_lexicon(), b'[groups.N1]\nadd = ["lovelace", "person"]\n')
    done = with_rules(engine, FakeSource(org), sync, Judging(lexicon=words))
    assert {one["ruleset"] for one in verdicts(engine).values()} == {words.version}
    assert done.run is not None
    assert (done.run.added, done.run.updated, done.run.removed, done.alerting) == (0, 0, 0, 0)


def test_domains_that_were_set_are_not_inferred(engine: Engine, sync: Syncing, org: Org) -> None:
    judging = Judging(org_domains=["acme.example"])
    assert with_rules(engine, FakeSource(org), sync, judging).org_domains == ("acme.example",)


class TestDecisions:
    def test_a_decision_counts_at_once_and_survives_every_sync(self, engine: Engine, sync: Syncing, org: Org) -> None:
        first = sync(FakeSource(org))
        facts = {"owner": "ada@example.com", "purpose": "none", "now": sync.clock()}
        decide_now(engine, BOT.email or "", HUMAN, **facts)
        assert verdicts(engine)[BOT.id]["label"] == "human"
        done = sync(FakeSource(org))
        found = verdicts(engine)[BOT.id]
        assert (found["label"], found["basis"], found["computed"]) == ("human", "override", "nhi")
        assert found["score"] >= 60
        assert found["decision"]["review"] == []
        assert done.nhi == {"total": 1, "declared": 1, "inferred": 0, "review": 0}
        assert first.run is not None
        (view,) = inventory.views(engine, ["acme"], AtRun(first.run.id), lambda _error: None)
        [then] = [one for one in inventory.identities(engine, view) if one["id"] == BOT.id]
        assert (then["classification"]["label"], then["owner"]) == ("nhi", None)

    def test_it_belongs_to_the_id_and_not_to_the_address(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        decide_now(engine, BOT.id, HUMAN)
        org.put(identity(7, name="Deploy Bot", email="other@example.com"), identity(1, email=BOT.email))
        sync(FakeSource(org))
        assert verdicts(engine)[BOT.id]["label"] == "human"
        assert verdicts(engine)["user-0001"]["basis"] == "inferred"

    def test_other_evidence_asks_for_a_review_and_flips_nothing(self, engine: Engine, sync: Syncing, org: Org) -> None:
        source = KeyedSource(org)
        sync(source)
        decide_now(engine, SLEEPER.id, HUMAN)
        source.keys = {"key-1": key(1, SLEEPER.id, "terraform", YESTERDAY)}
        sync(source)
        found = verdicts(engine)[SLEEPER.id]
        assert found["label"] == "human"
        assert any("never logged in" in reason for reason in found["decision"]["review"])
        assert next(iter(list_machines(engine, view_of(engine), None, None)))["id"] == SLEEPER.id
        decide_now(engine, SLEEPER.id, HUMAN, reason="still her")
        assert verdicts(engine)[SLEEPER.id]["decision"]["review"] == []
        (shown,) = show_machine(engine, view_of(engine), SLEEPER.id)
        assert [one["reason"] for one in shown["decisions"]] == ["asked", "still her"]

    def test_a_date_that_passed_asks_for_a_review(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        decide_now(engine, BOT.id, Decision("nhi", "ci"), review_by=date(2026, 11, 30))
        assert verdicts(engine)[BOT.id]["decision"]["review"] == []
        sync.clock.advance(days=30)
        sync(FakeSource(org))
        assert verdicts(engine)[BOT.id]["decision"]["review"] == ["to be reviewed by 2026-11-30"]
        assert verdicts(engine)[BOT.id]["kind"] == "ci"

    def test_nobody_and_several_are_refused(self, engine: Engine, sync: Syncing, org: Org) -> None:
        org.put(identity(1, email="twin@example.com"), identity(2, email="Twin@example.com"))
        sync(FakeSource(org))
        for who in ("nobody@example.com", "twin@example.com"):
            with pytest.raises(UsageError):
                decide_now(engine, who, HUMAN)

    def test_a_run_that_is_undone_takes_no_decision_with_it(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        decide_now(engine, BOT.id, HUMAN)
        broken = FakeSource(org)
        broken.failing_account = IncompleteError("half")
        assert sync(broken).error is not None
        sync(FakeSource(org))
        assert verdicts(engine)[BOT.id]["label"] == "human"


def test_owner_and_vendor_are_shown_with_reasons(engine: Engine, sync: Syncing, org: Org) -> None:
    bot = identity(7, name="Deploy Bot", email="ada.lovelace+deploy@example.com", handle=None)
    org.put(bot)
    sync(KeyedSource(org, key(1, bot.id, "cakewalk", YESTERDAY)))
    (shown,) = show_machine(engine, view_of(engine), bot.id)
    assert shown["owner_suggestions"][0]["owner"] == SLEEPER.email
    (held,) = shown["credentials"]
    assert held["vendor"] == "Cakewalk"
    assert "no scopes" in held["broader_than_needed"]


def test_who_left_and_other_machines_are_not_suggested_as_owners(engine: Engine, sync: Syncing, org: Org) -> None:
    left = identity(10, name="Grace Hopper", email="grace.hopper@example.com", disabled=True, status="Disabled")
    org.put(left, identity(11, name="Ada Lovelace", email="ada.lovelace+deploy@example.com", handle=None))
    machine = identity(12, name="deploy grace hopper bot", email="x@example.com", handle=None)
    org.put(machine)
    made = key(1, machine.id, "a", created_by_id=left.id), key(2, machine.id, "b", created_by_id=BOT.id)
    sync(KeyedSource(org, *made, key(3, machine.id, "c", created_by_id=SLEEPER.id)))
    (shown,) = show_machine(engine, view_of(engine), machine.id)
    assert shown["owner_suggestions"] == [{"owner": SLEEPER.email, "reason": "created its key 'c'"}]


def test_the_list_says_what_harm_each_could_do_and_who_could_do_most_comes_first(
    engine: Engine, sync: Syncing, org: Org
) -> None:
    other = identity(10, name="Release Bot", email="a-release-bot@example.com", handle=None)
    org.put(other)
    sync(KeyedSource(org, key(1, BOT.id, "cakewalk", YESTERDAY), key(2, BOT.id, "mine", scopes=("monitors_read",))))
    listed = [one for one in list_machines(engine, view_of(engine), "nhi", None) if not one["service_account"]]
    assert [one["id"] for one in listed] == [BOT.id, other.id]
    assert [(one["credentials_held"], one["unscoped_held"], len(one["excesses"])) for one in listed] == [
        (2, 1, 1),
        (0, 0, 0),
    ]
    assert declared_credentials(engine, view_of(engine)) == {"application_key": 2}


def test_a_machine_named_after_a_vendor_is_measured_by_what_the_vendor_needs(
    engine: Engine, sync: Syncing, org: Org
) -> None:
    account = identity(11, name="Cequence", email="x-2@example.com", service_account=True)
    org.put(account, identity(12, name="Petra Jenkins", email="petra.jenkins@example.com"))
    sync(FakeSource(org))
    listed = {one["id"]: one for one in list_machines(engine, view_of(engine), None, None)}
    assert listed[account.id]["vendor"] == "Cequence"
    (person,) = show_machine(engine, view_of(engine), "petra.jenkins@example.com")
    assert person["vendor"] is None


@pytest.mark.parametrize("seed", [1, 7])
def test_machines_of_the_sandbox_are_found_and_people_left_alone(seed: int, tmp_path: Path) -> None:
    organization = generate(2_000, seed, datetime.now(UTC))
    with SandboxServer(organization, seed=seed, rate_limit=600_000) as server:
        settings = settings_for(server, tmp_path / "accesssync.db")
        engine = open_to_write(settings)
        surroundings = Surroundings(
            clock=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
            sleep=time.sleep,
            rng=random.Random(seed),  # noqa: S311  waits that are never made
            on_page=lambda *_: None,
        )
        Stage(engine, settings, server, surroundings).sync()
    (view,) = inventory.views(engine, [], None, lambda _error: None)
    flagged = {one["id"] for one in list_machines(engine, view, None, None)}
    engine.dispose()
    for ordinary in (False, True):
        among = {one.id: one.truth for one in organization.users.values() if not (ordinary and one.service_account)}
        machines = {one for one, truth in among.items() if truth.nature == "nhi"}
        right = len(machines & flagged)
        assert right / len(flagged & among.keys()) >= 0.97
        assert right / len(machines) >= 0.97
