"""`accesssync forward setup` and `remove`: what is installed in Datadog for what is published there."""

from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, say, strong
from accesssync.cli.provisioning import by_option, end
from accesssync.errors import AccessSyncError, UnknownOutcomeError, UpstreamError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.forward.setup import Ask, Report, Result

_SHOWN = 8
"""Differences of one object that are shown to people; --json has them all."""

_WORDS = {
    "done": {"create": "installed", "update": "updated", "restore": "restored", "remove": "removed"},
    "would": {"create": "to install", "update": "to update", "restore": "to restore", "remove": "to remove"},
}

dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would be done.")


@click.command(
    epilog="""\b
Installed are one dashboard, one log pipeline, three monitors and five detection rules, each of which has to be
allowed: write_dashboard, write_pipeline, write_monitor, write_detection_rule. What is not allowed, or what Datadog
refuses, is skipped and listed. What already is as it should be is left alone, what somebody edited is set right, and
what does not carry accesssync's mark is never touched.

\b
Examples:
  accesssync forward setup --dry-run
  accesssync forward setup --notify @slack-security --notify @pagerduty-identity
  accesssync forward setup --stale-hours 12 --json"""
)
@dry_run_option
@click.option(
    "--notify",
    "handles",
    multiple=True,
    metavar="@HANDLE",
    help="Whom monitors and detection rules tell; repeatable. Left as it is unless given.",
)
@click.option("--no-notify", is_flag=True, help="Tell nobody.")
@click.option(
    "--stale-hours",
    type=click.IntRange(1, 720),
    help="Hours without a proven sync after which a monitor tells. Left as it is unless given; 4 at first.",
)
@by_option
@common
def setup(
    invocation: Invocation,
    dry_run: bool,
    handles: tuple[str, ...],
    no_notify: bool,
    stale_hours: int | None,
    by: str | None,
) -> None:
    """Install or update dashboard, log pipeline, monitors and detection rules."""
    from accesssync.errors import UsageError
    from accesssync.jobs.forward.setup import Ask

    if handles and no_notify:
        raise UsageError("--notify and --no-notify contradict each other", remedy="give one of them")
    chosen = () if no_notify else (handles or None)
    _carry_out(invocation, Ask(handles=chosen, stale_hours=stale_hours, dry_run=dry_run), by)


@click.command(
    epilog="""\b
Exactly what carries accesssync's mark is taken away. Copies that somebody made of it stay.

\b
Examples:
  accesssync forward remove --dry-run
  accesssync forward remove"""
)
@dry_run_option
@by_option
@common
def remove(invocation: Invocation, dry_run: bool, by: str | None) -> None:
    """Take away what setup installed, and nothing else."""
    from accesssync.jobs.forward.setup import Ask

    _carry_out(invocation, Ask(dry_run=dry_run, remove=True), by)


def _carry_out(invocation: Invocation, ask: "Ask", by: str | None) -> None:
    import time
    from random import SystemRandom

    from accesssync.jobs.forward.setup import install

    reports = install(
        invocation.settings,
        invocation.orgs,
        ask,
        by=invocation.operator(by),
        now=now,
        sleep=time.sleep,
        monotonic=time.monotonic,
        rng=SystemRandom(),
        on_event=lambda event: invocation.log(
            event.kind, f"{event.org} {event.resource}: {event.reason}; waiting {event.wait:.1f} s", level="warning"
        ),
    )
    document = _document(reports, ask)
    if not invocation.as_json:
        for report in reports:
            _show(report, ask)
    end(invocation, document, _error(reports))


def _document(reports: "list[Report]", ask: "Ask") -> Document:
    return {
        "schema": f"accesssync.forward_{'remove' if ask.remove else 'setup'}/1",
        "dry_run": ask.dry_run,
        "places": [
            {"site": one.site, "orgs": list(one.orgs), "objects": [_object(each) for each in one.results]}
            for one in reports
        ],
    }


def _object(one: "Result") -> Document:
    return {
        "kind": one.kind.value.replace(" ", "_"),
        "name": one.name,
        "title": one.title,
        "action": one.action.value if one.action else None,
        "outcome": one.outcome,
        "id": one.id,
        "reason": one.reason,
        "differences": [{"path": each.path, "now": each.now, "wanted": each.wanted} for each in one.differences],
    }


def _show(report: "Report", ask: "Ask") -> None:
    say(strong(f"{report.site}, for {', '.join(map(visible, report.orgs))}"))
    for one in report.results:
        title = f"{one.kind}{'' if one.title is None else f' {visible(one.title)}'}"
        say(f"  {_word(one):<11} {title}{f': {visible(one.reason)}' if one.reason else ''}")
        for each in one.differences[:_SHOWN]:
            say(f"    {visible(each.path)}: {visible(each.now)} -> {visible(each.wanted)}")
        if len(one.differences) > _SHOWN:
            say(f"    and {len(one.differences) - _SHOWN:,} more; --json has them all")
    if not any(one.outcome in ("done", "would") for one in report.results):
        say("nothing to do" if not any(one.outcome == "failed" for one in report.results) else "nothing was done")
    elif ask.dry_run:
        say("nothing was changed: this was a dry run")


def _word(one: "Result") -> str:
    if one.outcome == "kept":
        return "unchanged"
    words = _WORDS.get(one.outcome)
    return words[one.action.value] if words and one.action else one.outcome


def _error(reports: "list[Report]") -> AccessSyncError | None:
    """What the command ends with: what was skipped is no failure, what was tried in vain is one."""
    failed = [(report, one) for report in reports for one in report.results if one.outcome == "failed"]
    if not failed:
        return None
    report, first = failed[0]
    kind = UnknownOutcomeError if any(one.unsure for _, one in failed) else UpstreamError
    more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
    return kind(
        f"{first.kind}{f' {first.name}' if first.name else ''}: {first.reason}{more}",
        org=report.orgs[0],
        remedy="run the same command again: what is done already is left alone",
    )
