"""docs/datadog-publishing.md, what is installed and what is sent name the same attributes, metrics and tags."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from accesssync.audit.entry import EMPTY, seal
from accesssync.audit.entry import Entry as AuditEntry
from accesssync.audit.entry import Kind as AuditKind
from accesssync.forward.alerts import FindingNews, Involved, Verdict, Weights, of_change, of_finding, of_verdict
from accesssync.forward.audit_trail import of_audit
from accesssync.forward.digest import Digest, Some
from accesssync.forward.digest import entry_of as of_digest
from accesssync.forward.entry import Entry, Stream
from accesssync.forward.events import of_refused_plan, of_refused_removals
from accesssync.forward.metrics import OrgFigures, Series, StreamFigures, series
from accesssync.forward.objects import Wanted, wanted_objects
from accesssync.forward.people import EVERYTHING as EVERYTHING_PERSONAL
from accesssync.forward.people import Person
from accesssync.forward.records import Sender, event_of, log_of, tags
from accesssync.forward.telling import About
from accesssync.model.change import Cause, Change, Fields
from accesssync.model.coverage import Resource
from accesssync.model.credential import CredentialType
from accesssync.model.installed import Kind

DOCUMENT = (Path(__file__).parents[2] / "docs" / "datadog-publishing.md").read_text()
EVERYTHING = wanted_objects(["@slack-security"])


def table(name: str) -> list[list[str]]:
    """The cells of the rows of a table in the document."""
    text = DOCUMENT.split(f"<!-- {name} -->", 1)[1].split("<!-- end -->", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


def names(name: str) -> set[str]:
    return {row[0].strip("`") for row in table(name)}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def asked(pattern: str) -> set[Any]:
    """What the queries of everything that is installed name."""
    return {found for one in EVERYTHING for text in texts(one.body) for found in re.findall(pattern, text)}


def test_every_attribute_that_is_asked_for_is_one_that_is_sent_or_made() -> None:
    attributes = asked(r"@([a-z_]+(?:\.[a-z_]+)+)(?![\w/])")
    assert len(attributes) > 10
    assert attributes <= names("attributes") | names("pipeline")


def test_the_pipeline_maps_what_is_sent_to_what_is_documented() -> None:
    [pipeline] = [one for one in EVERYTHING if one.kind is Kind.PIPELINE]
    steps = pipeline.body["processors"]
    assert {source for step in steps for source in step.get("sources", ())} <= names("attributes")
    assert {step["target"] for step in steps if "target" in step} == names("pipeline")
    [about] = [step for step in steps if step["type"] == "category-processor"]
    [told] = [row[1] for row in table("pipeline") if row[0] == "`evt.about`"]
    assert {each["name"] for each in about["categories"]} == set(re.split(r", | or ", told))


def test_every_happening_that_is_asked_for_is_documented() -> None:
    found = asked(r"@evt\.name:(?:\(([^)]*)\)|([\w.]+))")
    happenings = {name for pair in found for text in pair for name in text.split(" OR ") if name}
    assert happenings
    assert happenings <= names("names")


def test_every_metric_that_is_asked_for_is_documented_with_its_tags() -> None:
    tags = {row[0].strip("`"): set(re.findall(r"\w+", row[1])) for row in table("metrics")}
    queries = asked(r"(accesssync\.[a-z_.]+)\{([^}]*)\}(?: by \{([^}]*)\})?")
    assert {metric for metric, _, _ in queries} == set(tags)
    for metric, narrowed, grouped in queries:
        used = {each.split(":")[0] for each in narrowed.split(",") if not each.startswith(("$", "*"))}
        used |= {each for each in grouped.split(",") if each}
        assert used <= tags[metric] | {"org", "env"}, metric


def test_every_tag_of_a_metric_is_documented_and_its_asked_for_values_are_there() -> None:
    values = {row[0].strip("`"): row[2] for row in table("tags")}
    assert {tag for row in table("metrics") for tag in re.findall(r"\w+", row[1])} <= set(values)
    for tag in ("kind", "severity", "age"):
        for value in asked(rf"[{{,]{tag}:(\w+)"):
            assert f"`{value}`" in values[tag]


@pytest.mark.parametrize("wanted", EVERYTHING, ids=lambda one: one.name)
def test_everything_that_is_installed_is_documented(wanted: Wanted) -> None:
    assert [wanted.kind.value, f"`{wanted.name}`"] in [row[:2] for row in table("objects")]


def test_nothing_else_is_documented_as_installed() -> None:
    assert len(table("objects")) == len(EVERYTHING)


# What is sent

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDER = Sender("accesssync", "worker-1", "production")
ABOUT = About(org="acme", site="datadoghq.eu", personal=EVERYTHING_PERSONAL)
ADA = Person("u-1", "ada@example.com", "Ada Lovelace")
LEAVES = {"finding.evidence", "change.fields", "audit.facts", "audit.personal", "digest"}
"""What is in them depends on the finding, the change or the entry."""


def alerts() -> Iterator[Entry]:
    """One alert of every sort, with everything that it can carry."""
    for event in ("opened", "reopened", "resolved"):
        yield told_entry(
            of_finding(
                FindingNews(
                    event=event, cause=Cause.ORG, at=AT, run_id=7, id="F-1", check="AS-PRIV-04", severity="critical",
                    kind="identity", subject_id="u-1", subject="ada", evidence={"days": 3}, person=ADA, why="gone",
                ),
                ABOUT,
            )
        )  # fmt: skip
    changes: list[tuple[str, Fields]] = [
        ("grant.added", {"role": (None, "Admin"), "role_id": (None, "r-1")}),
        ("role_permission.added", {"permission": (None, "org_management"), "permission_id": (None, "p-1")}),
        ("credential.updated", {"scopes": (["a"], None)}),
        ("identity.updated", {"disabled": (True, False)}),
        ("identity.updated", {"disabled": (False, True)}),
        ("identity.removed", {}),
    ]
    weights = Weights({"r-1": ("org_management",)}, {"p-1": "T0"})
    for kind, fields in changes:
        change = Change(
            id="c-1", org="acme", run_id=7, observed_after=AT, observed_before=AT, kind=kind, cause=Cause.ORG,
            subject_id="u-1", subject="ada", fields=fields, actor="bob", explanation="on purpose",
        )  # fmt: skip
        yield told_entry(of_change(change, weights, Involved(ADA, admin=True), ABOUT))
    for now in ("nhi", "review"):
        verdict = Verdict(
            person=ADA, before="human", now=now, kind="ci", basis="inferred", score=90, run_id=7, at=AT, subject="ada"
        )
        yield of_verdict(verdict, ABOUT)
    nothing = Some()
    yield of_digest(
        Digest(
            org="acme", since=AT, until=AT, runs=0, proven_at=None, changes={}, came=nothing, went=nothing, opened={},
            resolved=0, open={}, first=(), gaps=(), to_decide=0,
        ),
        ABOUT,
    )  # fmt: skip


def told_entry(entry: Entry | None) -> Entry:
    assert entry is not None
    return entry


def logs() -> Iterator[Entry]:
    yield from alerts()
    entry = AuditEntry(
        kind=AuditKind.WRITE_CONFIRMED, at=AT, actor="bob", org="acme", subject_id="u-1", facts={"a": 1},
        personal={"email": "ada@example.com"},
    )  # fmt: skip
    yield of_audit(seal(entry, EMPTY, lambda: b"k" * 32), ABOUT)


def paths(value: Mapping[str, Any], start: str = "") -> Iterator[str]:
    for name, each in value.items():
        path = f"{start}.{name}" if start else name
        if isinstance(each, dict) and path not in LEAVES:
            yield from paths(each, path)
        else:
            yield path


def test_every_attribute_that_is_sent_is_documented_and_no_other() -> None:
    sent = {path for entry in logs() for path in paths(json.loads(log_of(entry, AT, SENDER)))}
    assert sent == names("attributes")


def test_every_happening_that_is_sent_is_documented_with_its_severity() -> None:
    documented = {row[0].strip("`"): row[1] for row in table("names")}
    sent = {entry.body["evt"]["name"]: entry.severity for entry in alerts()}
    assert set(sent) == set(documented)
    for name, severity in sent.items():
        assert severity in documented[name] or documented[name] == "the finding's", name


def test_every_tag_of_logs_and_events_is_documented() -> None:
    documented = {row[0].strip("`") for row in table("tags") if re.search("all|logs|events", row[1])}
    event = of_refused_removals("acme", 7, ["roles"], AT)
    sent = {tag.split(":")[0] for tag in json.loads(event_of(event, AT, SENDER))["tags"]}
    sent |= {tag.split(":")[0] for entry in logs() for tag in tags(entry, SENDER)}
    assert sent == documented


def test_every_event_is_documented() -> None:
    events = [of_refused_removals("acme", 7, ["roles"], AT), of_refused_plan("acme", "d" * 64, ["max_removals"], AT)]
    section = DOCUMENT.split("## Events", 1)[1]
    for event in events:
        assert f"`{event.body['evt']['name']}`" in section
        assert any(fnmatch(event.body["evt"]["name"], pattern) for pattern in asked(r"evt:([\w.*]+)"))


def gauges() -> Iterator[Series]:
    """Every gauge, with every tag that it can have."""
    everything = OrgFigures(
        org="acme",
        identities={},
        privileged={},
        findings={},
        credentials={each.value: {} for each in CredentialType},
        proven=dict.fromkeys(Resource, True),
        sync_age=1.0,
        sync_duration=1.0,
        requests=1,
        rate_limited=0,
        streams=dict.fromkeys(Stream, StreamFigures(backlog=0, delivered=0, dropped=0, dead=0)),
    )
    return series([everything], env="production")


def test_every_metric_that_is_sent_is_documented_with_its_tags() -> None:
    sent: dict[str, set[str]] = {}
    for one in gauges():
        sent.setdefault(one.metric, set()).update(tag.split(":")[0] for tag in one.tags)
    assert {name: found - {"org", "env"} for name, found in sent.items()} == {
        row[0].strip("`"): set(re.findall(r"\w+", row[1])) for row in table("metrics")
    }


def test_every_value_of_a_tag_of_a_metric_is_documented() -> None:
    documented = {row[0].strip("`"): row[2] for row in table("tags")}
    sent = {tuple(tag.split(":", 1)) for one in gauges() for tag in one.tags}
    listed = {"kind", "status", "severity", "age", "stream"}
    for tag in listed:
        values = {value for name, value in sent if name == tag}
        assert values == set(re.findall(r"`(\w+)`", documented[tag])), tag
    assert {name for name, _ in sent} == listed | {"org", "env", "type", "resource"}
