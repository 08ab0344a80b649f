"""`accesssync sync`."""

import gc
import random
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from accesssync.cli.changes import change_line
from accesssync.cli.options import Bar, Invocation, common, now
from accesssync.cli.output import complain, print_json, say
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.sync.run import Synced
    from accesssync.model.change import Change
    from accesssync.settings import Settings
    from accesssync.store.engine import Database

OBJECTS = 50_000
"""New objects after which cycles among them are looked for. A sync makes millions of objects and hardly a cycle; at the
700 that are usual, looking for some took as long as decoding half of what Datadog sent."""

LOUDEST = 10
"""Changes shown one by one after a sync; the rest are counted."""


@click.command(
    epilog="""\b
Examples:
  accesssync sync
  accesssync sync --json --org acme
  accesssync sync --detailed-exitcode     # 3 when the organization changed
  accesssync sync --accept-removals 120   # after 120 people really left"""
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 3 when the organization changed.")
@click.option("--wait", is_flag=True, help="Wait while another process syncs the same organization.")
@click.option("--require-history", is_flag=True, help="Refuse to record a first baseline.")
@click.option(
    "--accept-removals",
    type=click.IntRange(0, 10_000_000),
    default=0,
    metavar="N",
    help="Let up to N removals of each kind through, this once.",
)
@common
def sync(
    invocation: Invocation, detailed_exitcode: bool, wait: bool, require_history: bool, accept_removals: int
) -> int:
    """Observe the organizations once: list, prove, store, compare. It only ever reads from Datadog."""
    from accesssync.jobs.opening import open_to_write, targets, terms
    from accesssync.jobs.sync.document import outcome_code, sync_document
    from accesssync.jobs.sync.run import Target, World
    from accesssync.jobs.sync.side_by_side import sync_all

    gc.set_threshold(OBJECTS)
    settings = invocation.settings
    chosen = targets(
        settings,
        invocation.orgs,
        sleep=time.sleep,
        monotonic=time.monotonic,
        rng=random.SystemRandom(),
        on_event=lambda event: invocation.log(
            event.kind,
            f"{event.org} {event.resource}: {event.reason}; waiting {event.wait:.1f} s",
            level="warning",
            org=event.org,
            resource=event.resource,
            wait_seconds=round(event.wait, 3),
        ),
    )
    engine = open_to_write(settings)
    agreed = terms(
        settings,
        by=invocation.operator(otherwise="accesssync"),
        wait=wait,
        accepted_removals=accept_removals,
        require_history=require_history,
    )
    synced = []
    with invocation.bar() as bar:

        def world_of(target: Target) -> World:
            return World(clock=now, sleep=time.sleep, on_page=partial(_advance, bar, target.name))

        for one in sync_all(engine, chosen, agreed, world_of):
            synced.append(one)
            if not invocation.as_json:
                _show(engine, one, _may_write(settings, one.org))
                sys.stdout.flush()
            if one.error is not None:
                complain(f"error: {visible(one.error.line())}")
    _tell_unmatched(synced)
    if not invocation.as_json and settings.forward_streams:
        _tell_waiting(invocation, engine)
    if invocation.as_json:
        print_json(_document([sync_document(one) for one in synced], synced))
    return outcome_code(synced, detailed=detailed_exitcode)


def _tell_waiting(invocation: Invocation, engine: "Database") -> None:
    """What this and earlier syncs have queued to be published."""
    from accesssync.jobs.forward.run import standings

    waiting = sum(way.waiting for way in standings(engine, invocation.settings, invocation.orgs, now()))
    if waiting:
        say(f"outbox {waiting:,}: accesssync forward run delivers it, as does the worker")


def _tell_unmatched(synced: "list[Synced]") -> None:
    """Patterns of the governance directory that matched nothing in any organization."""
    asked = [set(one.governance.silent) for one in synced if one.run is not None and not one.run.undone]
    silent = sorted(set.intersection(*asked)) if asked else []
    for one in silent[:LOUDEST]:
        complain(f"note: {visible(one)} matches nothing")
    if len(silent) > LOUDEST:
        complain(f"note: {len(silent) - LOUDEST:,} more patterns match nothing; they are in --json")


def _advance(bar: Bar, org: str, resource: str, done: int, total: int | None) -> None:
    bar(f"{org} {resource}", done, total)


def _document(documents: list[dict[str, Any]], synced: "list[Synced]") -> dict[str, Any]:
    from accesssync.jobs.sync.document import error_document

    whole: dict[str, Any] = {"schema": "accesssync.sync/1", "runs": documents}
    failed = [one.error for one in synced if one.error is not None]
    if failed:
        whole["error"] = error_document(failed[0])
    return whole


def _may_write(settings: "Settings", name: str) -> str:
    """Whether anything could be changed at Datadog with these settings, in a word; a sync itself only reads."""
    from accesssync.model.operation import PROVISIONING

    [org] = settings.organizations([name])
    writes = org.provision_app_key is not None and not PROVISIONING.keys().isdisjoint(org.allowed_operations)
    return "WRITES ALLOWED" if writes else "READ-ONLY"


def _show(engine: "Database", one: "Synced", may: str) -> None:
    run = one.run
    if run is None:
        return
    if run.undone:
        say(f"{visible(one.org)} ({one.site}) {may}  run-{run.id}  FAILED after {run.duration_seconds:.1f} s")
        say("nothing was stored; what was known before stays as it was")
        return
    proven = sum(o.coverage.state in {"complete", "skipped"} for o in one.observed.values())
    left = f", {run.rate_limit_left:.0%} of the rate limit left" if run.rate_limit_left is not None else ""
    word = "proven" if run.complete else "NOT PROVEN"
    say(
        f"{visible(one.org)} ({one.site}) {may}  run-{run.id}  {word} {proven}/{len(one.observed)}  "
        f"{run.duration_seconds:.1f} s, {run.requests:,} requests{left}"
    )
    if run.baseline:
        c = one.counts
        say(
            f"baseline: {c['users']:,} identities ({c['service_accounts']:,} service accounts), {c['roles']:,} roles, "
            f"{c['permissions']:,} permissions, {c['grants']:,} grants"
        )
        _show_judged(one)
        say(f"next: {_next(one) or 'accesssync admins'}")
        return
    _show_changes(engine, one)


def _show_judged(one: "Synced") -> None:
    """What is wrong, and who is not a person."""
    from accesssync.cli.findings.judging import findings_line
    from accesssync.jobs.sync.document import findings_document

    if one.findings is not None:
        say(findings_line(findings_document(one.findings)))
    _show_nhi(one)


def _next(one: "Synced") -> str | None:
    """The most pressing of the findings that this run opened."""
    worst = one.findings.worst if one.findings is not None else None
    return f"accesssync findings show {worst}" if worst else None


def _show_nhi(one: "Synced") -> None:
    told = one.nhi
    review = f", {told['review']:,} to decide: accesssync nhi list" if told["review"] else ""
    say(f"NHI {told['total']:,}: {told['declared']:,} declared, {told['inferred']:,} inferred{review}")
    files = one.governance
    if files.decided or files.owned or files.changed:
        changed = f", {files.changed:,} changed" if files.changed else ""
        say(f"governance directory: {files.decided:,} decided, {files.owned:,} with an owner{changed}")
    domains = ", ".join(visible(domain) for domain in one.org_domains[:4])
    if one.run is not None and one.run.baseline:
        say(f"taken for its own e-mail domains: {domains or 'none'} (ACCESSSYNC_ORG_DOMAINS sets them)")


def _show_changes(engine: "Database", one: "Synced") -> None:
    from accesssync.jobs.changes import changes
    from accesssync.model.when import AtRun

    if one.run is None:
        return
    since = f"run-{one.previous_run}"
    total = one.run.added + one.run.updated + one.run.removed
    if not total:
        say(f"since {since}: nothing changed")
        _show_judged(one)
        following = _next(one)
        if following:
            say(f"next: {following}")
        return
    counts: dict[str, int] = {}
    loud: list[Change] = []
    span = {"since": AtRun(one.previous_run or 0), "until": AtRun(one.run.id)}
    for change in changes(engine, [one.org], since=span["since"], until=span["until"], baseline=False):
        noun, _, verb = change.kind.rpartition(".")
        sign = {"added": "+", "removed": "-"}.get(verb, "~")
        counts[f"{sign} {noun}"] = counts.get(f"{sign} {noun}", 0) + 1
        if len(loud) < LOUDEST:
            loud.append(change)
    say(f"since {since}: " + "  ".join(_counted(what, count) for what, count in counts.items()))
    for change in loud:
        say("! " + change_line(change))
    if total > len(loud):
        say(f"  and {total - len(loud):,} more")
    _show_judged(one)
    say(f"next: {_next(one) or f'accesssync changes --since {since}'}")


def _counted(what: str, count: int) -> str:
    sign, noun = what.split(" ", 1)
    plural = {"identity": "identities", "role_permission": "role permissions"}.get(noun, noun + "s")
    return f"{sign}{count:,} {plural if count != 1 else noun.replace('_', ' ')}"
