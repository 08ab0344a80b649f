"""What the page says before any number: how far it can be relied on, and what was not seen."""

from collections.abc import Iterator

from msgspec import Struct

from accesssync.evidence.block import Block
from accesssync.reports.figures.population import Population, people
from accesssync.reports.figures.shape import Groups, counted, percent
from accesssync.reports.page.told import clean, moment


class Badge(Struct, frozen=True):
    """A word on how far the report can be relied on. `look` is `good`, `bad` or `unsure`; `to` the place of details."""

    look: str
    words: str
    note: str
    to: str


def badges(block: Block) -> tuple[Badge, ...]:
    """Whether it is complete, and whether its counts agree."""
    wanted = [one for one in block.listings if one.state != "skipped"]
    proven = sum(one.state == "complete" for one in wanted)
    if block.complete:
        complete = Badge("good", "Proven complete", f"{proven} of {len(wanted)} listings", "reconciliation")
    else:
        complete = Badge("bad", "Incomplete", f"{proven} of {len(wanted)} listings proven", "unseen")
    outcomes = [one.passed for one in block.reconciliation]
    agreeing, all_of_them = outcomes.count(True), len(outcomes)
    if block.reconciled is True:
        return complete, Badge("good", "Reconciled", f"{agreeing} of {all_of_them} counts agree", "reconciliation")
    if block.reconciled is False:
        differing = counted(outcomes.count(False), "count differs", "counts differ")
        return complete, Badge("bad", "Does not reconcile", f"{differing} of {all_of_them}", "reconciliation")
    note = f"{agreeing} of {all_of_them} counts agree, the others are not known" if outcomes else "no counts to compare"
    return complete, Badge("unsure", "Reconciled in part", note, "reconciliation")


def not_seen(block: Block, population: Population, logins: Groups | None) -> Iterator[str]:
    """Everything that was not read, or of which Datadog says nothing, a sentence each."""
    words = {
        "denied": "denied: the key may not read it",
        "incomplete": "read, but not proven complete",
        "failed": "could not be read",
        "skipped": "left out on purpose",
    }
    for one in block.listings:
        if one.state != "complete":
            why = f" ({clean(one.reason, 200)})" if one.reason else ""
            name = clean(one.resource.replace("_", " ")).capitalize()
            yield f"{name}: {words.get(one.state, clean(one.state))}{why}."
    active = people(population.active)
    unknown = population.factor[None]
    if unknown:
        yield (
            f"Second factor: not known for {unknown:,} of {active:,} active people ({percent(unknown, active)}). "
            "One that an identity provider asks for is invisible to Datadog."
        )
    if logins is not None and logins.series[0].values[-1]:
        yield f"Last login: not known for {logins.series[0].values[-1]:,} of {active:,} active people."


def about(block: Block) -> tuple[tuple[str, str], ...]:
    """The block as names and values."""
    told = (
        ("Report", f"{block.report_name}, {block.report_id}, layout {block.schema_version}"),
        ("Source", f"{block.source_system}, site {block.site}"),
        ("Organization", " / ".join(one for one in (block.org, block.org_name, block.org_id) if one)),
        ("Environment", block.environment),
        ("Run", f"run-{block.run_id}: {moment(block.run_started_at)} to {moment(block.run_finished_at)} UTC"),
        ("As of", f"{moment(block.as_of)} UTC"),
        ("Made", f"{moment(block.generated_at)} UTC by {block.generated_by} on {block.host}"),
        ("With", f"accesssync {block.tool_version}"),
        ("Configuration", block.config_hash),
        ("Ruleset", block.ruleset_hash),
        ("Manifest before", block.previous_manifest or "none: this is the first"),
    )
    return tuple((name, clean(value)) for name, value in told if value)
