"""Files of the governance directory through whole runs: they win, are kept as history, and never flip silently."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from accesssync.jobs.credentials import credentials
from accesssync.jobs.decide import entered
from accesssync.jobs.governance.directory import Governance
from accesssync.jobs.inventory import Document, View, identities, views
from accesssync.jobs.sync.classify import count_labels
from accesssync.model.when import AtRun
from accesssync.nhi.decisions import DecisionRule
from accesssync.nhi.owners import OwnerRule
from accesssync.nhi.verdict import Decision
from accesssync.parse.glob import Glob
from tests.builders import NOW, FakeSource, Org, Syncing, dump, identity
from tests.jobs.machines import KeyedSource, decide_now, key, verdicts, view_of

BOT = identity(7, name="Deploy Bot", email="deploy-bot@example.com", handle="deploy-bot@example.com")
SLEEPER = identity(9, name="Ada Lovelace", email="ada.lovelace@example.com", handle="ada.lovelace@example.com")
HUMAN = DecisionRule(match=(Glob("deploy-*@example.com"),), label="human", kind=None, by="grace", reason="met it")
OWNED = OwnerRule(
    match=(Glob("deploy-*"),), credentials=(Glob("laptop*"),), owner="platform", purpose="deploys", line=3
)
FILES = Governance(decisions=(HUMAN,), owners=(OWNED,))


@pytest.fixture
def org() -> Org:
    made = Org()
    made.put(BOT, SLEEPER)
    return made


def seen(engine: Engine, run: int | None = None, files: Governance | None = None) -> dict[str, Document]:
    when = AtRun(run) if run else None
    (view,) = views(engine, ["acme"], when, lambda _error: None, files)
    return {one["id"]: one for one in identities(engine, view)}


def view_with(engine: Engine, files: Governance) -> View:
    (view,) = views(engine, ["acme"], None, lambda _error: None, files)
    return view


def test_what_files_say_wins_and_is_kept_as_history(engine: Engine, sync: Syncing, org: Org) -> None:
    sync(FakeSource(org))
    decide_now(engine, BOT.id, Decision("nhi", "ci"), owner="ops", purpose="builds")
    assert sync(FakeSource(org), governance=FILES).governance.changed == 1
    one = seen(engine)[BOT.id]
    assert (one["classification"]["label"], one["classification"]["basis"]) == ("human", "override")
    assert (one["classification"]["computed"], one["classification"]["decision"]["source"]) == ("nhi", "file")
    assert (one["owner"], one["purpose"]) == ("platform", "deploys")
    before = dump(engine)["governed"]
    assert sync(FakeSource(org), governance=FILES).governance.changed == 0
    assert dump(engine)["governed"] == before
    assert seen(engine, run=1)[BOT.id]["classification"]["label"] == "nhi"
    # The file is gone: what was entered by command counts again, and the past is as it was.
    assert sync(FakeSource(org)).nhi["inferred"] == 1
    assert (seen(engine)[BOT.id]["classification"]["kind"], seen(engine)[BOT.id]["owner"]) == ("ci", "ops")
    assert seen(engine, run=3)[BOT.id]["classification"]["label"] == "human"


def test_a_file_counts_as_soon_as_it_is_read_and_is_counted_by_the_next_run(
    engine: Engine, sync: Syncing, org: Org
) -> None:
    done = sync(FakeSource(org))
    assert done.nhi["inferred"] == 1
    assert seen(engine, files=FILES)[BOT.id]["classification"]["label"] == "human"
    assert seen(engine)[BOT.id]["classification"]["label"] == "nhi"
    assert sync(FakeSource(org), governance=FILES).nhi["inferred"] == 0
    assert count_labels(engine, view_of(engine).org.id)["total"] == 0


def test_changed_evidence_has_a_file_decision_reviewed_and_never_flips_it(
    engine: Engine, sync: Syncing, org: Org
) -> None:
    sync(FakeSource(org))
    rule = DecisionRule(match=(Glob(SLEEPER.email or ""),), label="human", kind=None, by="grace", reason="met her")
    files = Governance(decisions=(rule,))
    sync(FakeSource(org), governance=files)
    assert verdicts(engine)[SLEEPER.id]["decision"]["review"] == []
    org.put(identity(9, name="Ada Lovelace", email=SLEEPER.email, last_login_at=NOW - timedelta(days=300)))
    source = KeyedSource(org, key(1, SLEEPER.id, "terraform", NOW - timedelta(days=1)))
    sync(source, governance=files)
    told = verdicts(engine)[SLEEPER.id]
    assert told["label"] == "human"
    assert any("keys in use" in reason for reason in told["decision"]["review"])
    assert seen(engine, files=files)[SLEEPER.id]["classification"]["decision"]["review"] == told["decision"]["review"]


def test_a_decision_moved_from_a_command_to_a_file_keeps_its_evidence(engine: Engine, sync: Syncing, org: Org) -> None:
    sync(FakeSource(org))
    decide_now(engine, BOT.id, Decision("nhi", "ci"), owner="ops")
    (rule,) = entered(engine, [view_of(engine)])
    org.put(identity(7, name="Petra Jenkins", email=BOT.email, handle=BOT.handle))
    sync(FakeSource(org), governance=Governance(decisions=(rule,)))
    decision = verdicts(engine)[BOT.id]["decision"]
    assert (decision["source"], decision["computed"]) == ("file", "nhi")


def test_credentials_have_owners_and_what_matches_nothing_is_said(engine: Engine, sync: Syncing, org: Org) -> None:
    nobody = OwnerRule(match=(Glob("nobody@example.com"),), credentials=(), owner="x", line=9)
    files = Governance(owners=(OWNED, nobody), decisions=(HUMAN,))
    done = sync(KeyedSource(org, key(1, SLEEPER.id)), governance=files)
    assert done.governance.silent == ("owners.yaml:9: nobody@example.com",)
    for view in (view_of(engine), view_with(engine, files)):
        (one,) = credentials(engine, view)
        assert (one["responsible"], one["purpose"]) == ("platform", "deploys")


def test_a_rule_for_another_organization_says_nothing(engine: Engine, sync: Syncing, org: Org) -> None:
    rule = DecisionRule(
        match=(Glob("*"),), label="human", kind=None, by="grace", reason="met", orgs=(Glob("emea*"),), line=3
    )
    done = sync(FakeSource(org), governance=Governance(decisions=(rule,)))
    assert (done.governance.decided, done.governance.silent) == (0, ())
    assert verdicts(engine)[BOT.id]["label"] == "nhi"
