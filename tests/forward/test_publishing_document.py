"""docs/datadog-publishing.md, what is installed and what is sent name the same attributes, metrics and tags."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accesssync.forward.objects import Wanted, wanted_objects
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
