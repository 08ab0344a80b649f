"""The digest: complete, readable, and nothing that strangers wrote is markup, a mention or an order in it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from accesssync.forward.chat import BLOCK_TEXT, message_of
from accesssync.forward.digest import (
    NAMED,
    Digest,
    Gap,
    Named,
    Pressing,
    Some,
    document,
    entry_of,
    lines,
    markdown,
    plain,
    summary,
)
from accesssync.forward.people import EVERYTHING
from accesssync.forward.telling import About
from tests.builders import NOW

WEEK = timedelta(days=7)
NOBODY: frozenset[str] = frozenset()


def pressing(subject: str = "ada@example.com", **more: Any) -> Pressing:
    usual: dict[str, Any] = {
        "id": "F-7Q2K", "check": "AS-PRIV-04", "title": "Privileged role given", "severity": "critical",
        "kind": "identity", "subject_id": "u-1", "opened_at": NOW - timedelta(days=3),
    }  # fmt: skip
    return Pressing(subject=subject, **{**usual, **more})


def digest(**more: Any) -> Digest:
    usual: dict[str, Any] = {
        "org": "acme", "since": NOW - WEEK, "until": NOW, "runs": 168, "proven_at": NOW,
        "changes": {"grant.added": 3, "grant.removed": 1, "identity.added": 2},
        "came": Some((Named("identity", "u-1", "ada@example.com"),), 12), "went": Some(),
        "opened": {"critical": 1, "low": 2}, "resolved": 4, "open": {"critical": 1, "low": 36},
        "first": (pressing(),), "gaps": (Gap("teams", "denied", "needs teams_read"),), "to_decide": 2,
    }  # fmt: skip
    return Digest(**{**usual, **more})


def test_it_says_what_there_is_to_say() -> None:
    text = "\n".join(lines(digest(), EVERYTHING))
    assert summary(digest()) in text
    for part in (
        "6 changes, 3 findings opened, 4 resolved, 37 open (1 critical)",
        "F-7Q2K critical: Privileged role given: ada@example.com (open for 3 days)",
        "roles of people: 3 added, 1 removed",
        "ada@example.com (identity)",
        "and 11 more",
        "teams: denied, needs teams_read",
        "2 identities of which somebody has to say",
    ):
        assert part in text
    assert "went" not in text


def test_a_quiet_week_is_one_line() -> None:
    quiet = digest(changes={}, came=Some(), opened={}, resolved=0, open={}, first=(), gaps=(), to_decide=0)
    assert lines(quiet, EVERYTHING) == [
        "acme, 2026-11-14 to 2026-11-21: 0 changes, 0 findings opened, 0 resolved, 0 open"
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"runs": 0}, "no run was published in this time"),
        ({"proven_at": None}, "no run has proven everything yet"),
        ({"proven_at": NOW - 2 * WEEK}, "no run has proven everything since 2026-11-07"),
    ],
)
def test_what_nobody_looked_at_is_said(more: dict[str, Any], told: str) -> None:
    assert any(told in line for line in lines(digest(**more), EVERYTHING))


def test_nobody_is_named_where_nobody_may_be() -> None:
    about = About(org="acme", site="datadoghq.eu", personal=NOBODY)
    body = json.encode(entry_of(digest(), about).body).decode()
    assert "ada@example.com" not in body
    assert "u-1" in body


def test_one_of_the_same_days_has_one_name() -> None:
    about = About(org="acme", site="datadoghq.eu", personal=EVERYTHING)
    later = digest(since=NOW - WEEK + timedelta(hours=1), until=NOW + timedelta(hours=1))
    assert entry_of(digest(), about).dedup_id == entry_of(later, about).dedup_id
    assert entry_of(digest(until=NOW + WEEK), about).dedup_id != entry_of(digest(), about).dedup_id


HOSTILE = st.text(max_size=60) | st.sampled_from(
    ["<!channel>", "[x](http://evil)", "# head", "a\nb", "\x1b[31m", "| a | b |", "![i](x)", "<script>", "`x`"]
)


@given(HOSTILE, HOSTILE)
def test_strangers_write_no_markup(subject: str, name: str) -> None:
    one = digest(
        first=(pressing(subject=subject or "x"),), came=Some((Named("identity", "u-1", name or "x"),), 1)
    )  # fmt: skip
    told = markdown(one, EVERYTHING)
    # Every line is one of ours: what is in it is text.
    for line in told.splitlines():
        assert line == "" or line.startswith(("# ", "## ", "- "))
        rest = re.sub(r"\\.", "", line.lstrip("#- "))
        assert not re.search(r"[`*_\[\]<>|]", rest)
    assert all(line.isprintable() for line in lines(one, EVERYTHING))
    message = json.decode(message_of(entry_of(one, About(org="acme", site="x", personal=EVERYTHING)), NOW))
    assert "<" not in message["text"]
    section = message["blocks"][0]["text"]
    assert section["type"] == "plain_text"
    assert len(section["text"]) <= BLOCK_TEXT


def test_markdown_shows_plain_text_as_it_is() -> None:
    assert plain("a*b_[c](d) <e>") == "a\\*b\\_\\[c\\]\\(d\\) &lt;e&gt;"


def test_as_data_it_holds_the_same() -> None:
    told = document(digest(first=(pressing(),) * NAMED), EVERYTHING)
    assert told["changes"] == {"grant.added": 3, "grant.removed": 1, "identity.added": 2}
    assert told["came"] == {
        "total": 12, "first": [{"kind": "identity", "id": "u-1", "name": "ada@example.com"}],
    }  # fmt: skip
    assert len(told["fix_first"]) == NAMED
    assert told["fix_first"][0]["command"] == "accesssync findings show F-7Q2K --org acme"
