"""The digest of the evidence: where it is the same, so is the answer."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from accesssync.nhi.classify import classify, context
from accesssync.nhi.inputs import inputs_digest
from accesssync.nhi.reconsider import Grounds, reconsider
from accesssync.nhi.verdict import Evidence, OwnedKey, Subject

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

days = st.sampled_from([0, 1, 29, 30, 31, 179, 180, 181, 400])
times = st.none() | st.just(UNSET) | days.map(lambda count: NOW - timedelta(days=count, hours=1))
names = st.sampled_from(["ci-deploy", "laptop", "terraform", None])
keys = st.lists(st.builds(OwnedKey, name=names, last_used_at=times), max_size=4).map(tuple)
evidence = st.builds(
    Evidence,
    status=st.sampled_from(["Active", "Pending", None]),
    created_at=st.none() | days.map(lambda count: NOW - timedelta(days=count, hours=1)),
    last_login_at=times,
    mfa_enabled=st.none() | st.booleans(),
    keys=st.just(UNSET) | keys,
)
subjects = st.builds(
    Subject,
    email=st.sampled_from(["ada@example.com", "ci@example.com"]),
    name=st.sampled_from(["Ada Lovelace", "Bot", None]),
    evidence=evidence,
)


@given(subjects, st.lists(evidence, max_size=20), st.booleans(), st.integers(0, 3))
def test_the_same_digest_means_the_same_answer(
    subject: Subject, others: list[Evidence], mfa_tells: bool, later: int
) -> None:
    before = context(NOW, org_domains=["example.com"], mfa_tells=mfa_tells)
    after = context(NOW + timedelta(days=later), org_domains=["example.com"], mfa_tells=mfa_tells)
    found = inputs_digest(before)(subject)
    for other in (subject.evidence, *others):
        changed = Subject(email=subject.email, name=subject.name, evidence=other)
        if inputs_digest(after)(changed) == found:
            assert classify(changed, after) == classify(subject, before)


def test_every_part_of_the_context_counts() -> None:
    subject = Subject(email="ada@example.com")
    contexts = [context(NOW), context(NOW, org_domains=["example.com"]), context(NOW, mfa_tells=True)]
    assert len({inputs_digest(one)(subject) for one in contexts}) == 3


def test_a_day_alone_changes_nothing() -> None:
    seen = Evidence(last_login_at=NOW - timedelta(days=200), keys=(OwnedKey(name="a", last_used_at=NOW),))
    subject = Subject(email="ada@example.com", evidence=seen)
    assert inputs_digest(context(NOW))(subject) == inputs_digest(context(NOW + timedelta(days=1)))(subject)


def test_only_evidence_that_matters_asks_for_a_review() -> None:
    today = NOW.date()
    then = Grounds("human", {"P1", "B5"})
    assert reconsider(then, Grounds("human", {"P1"}), None, today) == []
    assert reconsider(then, Grounds("human", {"P1", "P2", "B5"}), today, today) == []
    assert len(reconsider(then, Grounds("review", {"P1", "B2"}), today - timedelta(days=1), today)) == 3
    assert reconsider(Grounds("nhi", {"B1"}), Grounds("nhi", {"B5"}), None, today) == [
        "new: logs in, with a second factor",
        "no longer: never logged in while owning keys",
    ]
