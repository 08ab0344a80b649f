"""What holds for every input: no text makes the classifier raise, slow down, or give points without a reason."""

import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from accesssync.model.identity import Identity
from accesssync.nhi.classify import HIGHEST, classify, context
from accesssync.nhi.fields import Fields
from accesssync.nhi.lexicon import base_lexicon
from accesssync.nhi.tokens import LONGEST, fold, words_of
from accesssync.nhi.verdict import Decision, Evidence, OwnedKey, Subject, subject_of

NOW = datetime(2026, 7, 1, tzinfo=UTC)
USED = context(NOW, org_domains=["acme.example"], mfa_tells=True)

words = st.sampled_from(
    ["bot", "Bot", "ci", "terraform", "Ada", "Lovelace", "le", "root", "@", "+", "-", "_", ".", " ", "(", ")", "|", "7",
     "acme.example", "gmail.com", "陈", "роботова", "\u200f", "\x00", "GitHub", "no", "reply", "Travis", "3fa9c1e"]
)  # fmt: skip
texts = st.none() | st.text(max_size=60) | st.lists(words, max_size=12).map("".join)
times = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
keys = st.builds(OwnedKey, name=texts, last_used_at=st.none() | st.just(UNSET) | times)
evidences = st.builds(
    Evidence,
    status=st.none() | st.sampled_from(["Active", "Pending", "Disabled", "?"]),
    created_at=st.none() | times,
    last_login_at=st.none() | st.just(UNSET) | times,
    mfa_enabled=st.none() | st.booleans(),
    keys=st.just(UNSET) | st.lists(keys, max_size=4).map(tuple),
)
subjects = st.builds(
    Subject,
    email=texts,
    name=texts,
    handle=texts,
    title=texts,
    service_account=st.none() | st.booleans(),
    evidence=st.none() | evidences,
)


@given(subjects)
@settings(max_examples=600, deadline=None)
def test_the_score_is_the_sum_of_its_signals_and_decides_the_label(subject: Subject) -> None:
    found = classify(subject, USED)
    assert found.score == sum(signal.points for signal in found.signals) <= HIGHEST
    assert found == classify(subject, USED)
    assert all(signal.text and signal.field and signal.points for signal in found.signals)
    if found.basis == "inferred":
        lexicon = USED.lexicon
        assert (found.label == "nhi") == (found.score >= lexicon.nhi)
        assert (found.label == "review") == (lexicon.review <= found.score < lexicon.nhi)
    assert (found.kind is not None) == (found.label in {"nhi", "review"})


@given(subjects, st.sampled_from(["human", "nhi"]))
@settings(deadline=None)
def test_a_decision_is_final_and_keeps_the_computed_score_beside_it(subject: Subject, label: str) -> None:
    decision = Decision("human") if label == "human" else Decision("nhi", "ci")
    alone, decided = classify(subject, USED), classify(subject, USED, decision)
    assert (decided.label, decided.basis) == (label, "override")
    assert (decided.score, decided.signals, decided.computed) == (alone.score, alone.signals, alone.label)
    assert decided.kind == (None if label == "human" else "ci")


@given(subjects)
@settings(deadline=None)
def test_what_is_not_known_about_behaviour_changes_nothing(subject: Subject) -> None:
    assert classify(replace(subject, evidence=None), USED) == classify(replace(subject, evidence=Evidence()), USED)


@given(subjects, st.text(alphabet=string.ascii_lowercase + ".-", min_size=1, max_size=30))
@settings(deadline=None)
def test_the_words_of_a_domain_never_count(subject: Subject, domain: str) -> None:
    plain = replace(subject, email="ada@acme.test", evidence=None)
    other = replace(plain, email=f"ada@www.{domain}.terraform-bot-ci.test")
    assert classify(plain, USED).score == classify(other, USED).score


@given(evidences)
@settings(deadline=None)
def test_no_single_signal_of_behaviour_makes_a_machine(evidence: Evidence) -> None:
    found = classify(Subject(evidence=evidence), USED)
    assert all(signal.points < USED.lexicon.nhi for signal in found.signals)


def test_a_service_account_is_declared_whatever_it_is_called() -> None:
    found = classify(Subject(name="Ada Lovelace", service_account=True), USED)
    assert (found.label, found.kind, found.basis) == ("nhi", "service_account", "declared")


def test_a_stored_identity_is_judged_with_its_behaviour() -> None:
    identity = Identity(
        id="1", name="Ada Lovelace", email="ada.lovelace@acme.example", status="Active",
        created_at=NOW - timedelta(days=400), last_login_at=None,
    )  # fmt: skip
    used = OwnedKey(name="ledger-deploy", last_used_at=NOW - timedelta(days=1))
    assert classify(subject_of(identity), USED).label == "human"
    assert classify(subject_of(identity, (used,)), USED).label == "review"


@pytest.mark.parametrize(
    ("login", "used", "label"),
    [
        (NOW - timedelta(days=2), NOW, "human"),
        (NOW - timedelta(days=300), NOW, "review"),
        (NOW - timedelta(days=300), NOW - timedelta(days=200), "human"),
        (None, NOW, "review"),
        (None, None, "human"),
        (UNSET, NOW, "human"),
    ],
)
def test_a_person_with_automation_keys_is_for_review_only_where_the_keys_outlive_the_logins(
    login: datetime | None, used: datetime | None, label: str
) -> None:
    owned = tuple(OwnedKey(name=name, last_used_at=used) for name in ("terraform prod", "ci", "deploy"))
    evidence = Evidence(status="Active", created_at=NOW - timedelta(days=900), last_login_at=login, keys=owned)
    person = Subject(name="Ada Lovelace", email="ada.lovelace@acme.example", evidence=evidence)
    assert classify(person, USED).label == label


def test_a_stale_invitation_is_no_machine() -> None:
    evidence = Evidence(status="Pending", created_at=NOW - timedelta(days=90), last_login_at=None, keys=())
    assert classify(Subject(email="ada@acme.example", evidence=evidence), USED).label == "unknown"


ATTACKS = [
    "a",
    "A",
    "Aa",
    "-",
    "a-",
    "bot",
    "(",
    "(a",
    "[x]",
    "|",
    "@",
    "+",
    ".",
    "1a",
    "\u0301",
    "\ufdfa",
    "ß",
    " a",
    "\x00",
]


@pytest.mark.parametrize("unit", ATTACKS)
def test_a_megabyte_in_every_field_costs_no_more_than_the_first_characters(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    subject = Subject(name=text, email=text, handle=text, title=text)
    assert _seconds(lambda: classify(subject, USED)) < 0.25
    assert len(fold(text)) <= 2 * LONGEST


@pytest.mark.parametrize("unit", ATTACKS)
def test_cutting_into_words_takes_linear_time(unit: str) -> None:
    known = base_lexicon().known
    short, long = unit * 20_000, unit * 80_000
    assert _seconds(lambda: words_of(long, known)) < 12 * _seconds(lambda: words_of(short, known)) + 0.02


def test_fields_stay_within_their_limit() -> None:
    fields = Fields(Subject(name="x y" * 5_000_000), base_lexicon())
    assert len(fields.name.folded) <= LONGEST


def _seconds(run: Callable[[], object]) -> float:
    def once() -> float:
        started = process_time()
        run()
        return process_time() - started

    return min(once() for _ in range(3))
