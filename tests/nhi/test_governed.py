"""owners.yaml and decisions.yaml: what they may say, and what is refused by its line."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.errors import InputError
from accesssync.nhi.decisions import KINDS, DecisionRule, read_decisions, write_decisions
from accesssync.nhi.owners import OwnerRule, read_owners
from accesssync.parse.glob import Glob
from accesssync.parse.problems import Problems


def decisions(content: str) -> tuple[DecisionRule, ...]:
    problems = Problems()
    found = read_decisions(content.encode(), "decisions.yaml", problems)
    problems.raise_any()
    return found


def owners(content: str) -> tuple[OwnerRule, ...]:
    problems = Problems()
    found = read_owners(content.encode(), "owners.yaml", problems)
    problems.raise_any()
    return found


def test_a_decision_says_who_decided_what_and_why() -> None:
    found = decisions(
        "version: 1\ndecisions:\n  - match: [jenkins@acme.example, 'ci-*@acme.example']\n    label: nhi\n    kind: ci\n"
        "    owner: platform@acme.example\n    reason: asked Ada\n    by: ada@acme.example\n    review_by: 2027-03-31\n"
        "  - match: petra.jenkins@acme.example\n    label: human\n    reason: met her\n    by: ada\n    org: acme\n"
    )
    assert found == (
        DecisionRule(
            match=(Glob("jenkins@acme.example"), Glob("ci-*@acme.example")),
            label="nhi",
            kind="ci",
            by="ada@acme.example",
            reason="asked Ada",
            owner="platform@acme.example",
            review_by=date(2027, 3, 31),
            line=3,
        ),
        DecisionRule(
            match=(Glob("petra.jenkins@acme.example"),),
            label="human",
            kind=None,
            by="ada",
            reason="met her",
            orgs=(Glob("acme"),),
            line=10,
        ),
    )


_START = "version: 1\ndecisions:\n  - match: a\n    "


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "1: version is missing"),
        ("version: 2\n", "1: version: 2 does not lie between 1 and 1"),
        ("version: 1\ndecision: []\n", "2: 'decision' is not known here; did you mean decisions?"),
        (_START + "label: nhi\n    kind: ci\n    by: a\n", "3: reason is missing"),
        (_START + "label: nhi\n    by: a\n    reason: b\n", "3: kind: is missing: a machine is one of"),
        (_START + "label: human\n    kind: ci\n    by: a\n    reason: b\n", "5: kind: a person has no kind"),
        (_START + "label: bot\n    kind: ci\n    by: a\n    reason: b\n", "4: label: 'bot' is not allowed"),
        (
            _START + "label: nhi\n    kind: iaac\n    by: a\n    reason: b\n",
            "5: kind: 'iaac' is not allowed; did you mean iac",
        ),
        (_START + "lable: nhi\n    kind: ci\n    by: a\n    reason: b\n", "4: 'lable' is not known here; did you mean"),
    ],
)
def test_a_decision_that_is_not_whole_is_refused(content: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        decisions(content)
    assert [problem[: len(says) + 15] for problem in caught.value.problems] == [f"decisions.yaml:{says}"]


def test_an_owner_is_about_identities_or_credentials() -> None:
    found = owners(
        "version: 1\nowners:\n  - match: ci@acme.example\n    credentials: ['deploy *']\n    owner: platform\n"
        "    purpose: deploys\n"
    )
    assert found == (
        OwnerRule(
            match=(Glob("ci@acme.example"),),
            credentials=(Glob("deploy *"),),
            owner="platform",
            purpose="deploys",
            line=3,
        ),
    )
    with pytest.raises(InputError, match="3: match or credentials is missing"):
        owners("version: 1\nowners:\n  - owner: platform\n")


_LINES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20)
_RULES = st.sampled_from(KINDS).flatmap(
    lambda kind: st.builds(
        DecisionRule,
        match=st.lists(_LINES.filter(lambda text: text.count("*") < 9), min_size=1, max_size=3, unique=True).map(
            lambda texts: tuple(Glob(text) for text in texts)
        ),
        label=st.just("nhi"),
        kind=st.just(kind),
        by=_LINES,
        reason=_LINES,
        owner=st.none() | _LINES,
        purpose=st.none() | _LINES,
        review_by=st.none() | st.dates(),
        orgs=st.just(()),
    )
)


@given(st.lists(_RULES, max_size=3))
def test_what_is_written_is_read_back(rules: list[DecisionRule]) -> None:
    from msgspec.structs import replace

    found = decisions(write_decisions(rules))
    assert [replace(rule, line=0) for rule in found] == rules
