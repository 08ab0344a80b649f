"""The provisioning commands that write, and what became of writes."""

import sys
from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, complain, print_json, say
from accesssync.cli.plan_view import show_plan
from accesssync.cli.provisioning import (
    by_option,
    credentials_of,
    database_of,
    doors_of,
    end,
    limit_option,
    observe_first,
    ready_of,
    resumable,
    world_of,
    yes_option,
)
from accesssync.cli.write_view import error_of, result_documents, tell_results
from accesssync.errors import RefusedError, UsageError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.provision.plan_file import Ready


@click.command(
    epilog="""\b
Every guard is asked again, and every subject is read again just before its write. What somebody else has moved
meanwhile is skipped (exit 4). What stays unknown is reported (exit 10) and never repeated by itself.

\b
Examples:
  accesssync provision apply plan.json
  accesssync provision apply plan.json --yes --json"""
)
@click.argument("plan_name", metavar="PLAN")
@yes_option
@limit_option
@by_option
@common
def apply(invocation: Invocation, plan_name: str, yes: bool, limit: int, by: str | None) -> None:
    """Carry out a plan."""
    from accesssync.jobs.provision.apply import apply as job
    from accesssync.jobs.provision.apply import require_current

    database = database_of(invocation)
    ready = ready_of(invocation, database, plan_name)
    require_current(database, invocation.settings, ready, now())
    if not yes:
        _ask(invocation, ready, limit)
    with invocation.bar() as bar:
        world = world_of(lambda done, total: bar(f"{ready.org.name} writes", done, total))
        with resumable():
            done = job(database, invocation.settings, ready, doors_of(invocation), world, by=invocation.operator(by))
    tell_results(invocation, [done])


@click.command(
    epilog="""\b
Reads back whatever may have been sent, then does the rest. An invitation that may have been sent is not sent again:
see accesssync provision invitations --resend.

\b
Examples:
  accesssync provision resume
  accesssync provision resume 3f2a91c0d4e5 --json"""
)
@click.argument("plan_name", metavar="PLAN", required=False)
@by_option
@common
def resume(invocation: Invocation, plan_name: str | None, by: str | None) -> None:
    """Finish what was interrupted."""
    from accesssync.jobs.provision.key_doubt import settle_doubts
    from accesssync.jobs.provision.resume import interrupted, unfinished
    from accesssync.jobs.provision.resume import resume as job

    database = database_of(invocation)
    chosen = invocation.settings.organizations(invocation.orgs)
    only = ready_of(invocation, database, plan_name).digest if plan_name else None
    operator, done = invocation.operator(by), []
    world = world_of(lambda _done, _total: None)
    for org in chosen:
        left = interrupted(database, org, world, by=operator)
        if left:
            complain(
                f"{visible(org.name)}: {left:,} interrupted writes are unknown now; see accesssync provision status"
            )
        settled = settle_doubts(database, org, credentials_of(invocation), world, by=operator)
        done += [settled] if settled is not None else []
        with resumable():
            done += [
                job(database, invocation.settings, org, digest, doors_of(invocation), world, by=operator)
                for digest in unfinished(database, org)
                if only in (None, digest)
            ]
    tell_results(invocation, done)


@click.command(
    epilog="""\b
Examples:
  accesssync provision status
  accesssync provision status --org acme --json"""
)
@common
def status(invocation: Invocation) -> None:
    """The newest plans, what is left of them, and what nobody knows the outcome of."""
    from accesssync.jobs.provision.status import status as job

    database = database_of(invocation)
    found = [job(database, org, now()) for org in invocation.settings.organizations(invocation.orgs)]
    if invocation.as_json:
        print_json({"schema": "accesssync.provision_status/1", "orgs": found})
        return
    for one in found:
        _tell_status(one)


@click.command(
    epilog="""\b
Applies only where ACCESSSYNC_RECONCILE_APPLY is set, only what adds, and only what no guard or policy refuses.

\b
Examples:
  accesssync provision reconcile
  accesssync provision reconcile --json"""
)
@by_option
@common
def reconcile(invocation: Invocation, by: str | None) -> None:
    """Plan from every file of ACCESSSYNC_ACCESS_FILES, and apply what is harmless."""
    from accesssync.jobs.provision.reconcile import reconcile as job

    if not invocation.settings.access_files:
        raise UsageError("ACCESSSYNC_ACCESS_FILES names no file", remedy="name the access files to reconcile")
    found = job(
        database_of(invocation),
        invocation.settings,
        doors_of(invocation),
        observe_first(invocation),
        world_of(lambda _done, _total: None),
        by=invocation.operator(by, otherwise="accesssync"),
        orgs=invocation.orgs,
    )
    documents = [
        {
            "file": str(one.path),
            "digest": one.planned.digest if one.planned else None,
            "actions": len(one.planned.plan.actions) if one.planned else 0,
            "refusals": [refusal.rule for refusal in one.planned.plan.refusals] if one.planned else [],
            "applied": one.applied is not None,
            "results": result_documents(one.applied) if one.applied else [],
            "why": one.why,
        }
        for one in found
    ]
    if not invocation.as_json:
        for one in documents:
            what = f"{one['actions']:,} actions planned"
            say(f"{visible(one['file'])}: {what}, {'applied' if one['applied'] else visible(one['why'])}")
    error = next((one.error for one in found if one.error), None)
    error = error or error_of([one.applied for one in found if one.applied])
    if error is None and any(one.planned and one.planned.guarded for one in found):
        error = RefusedError("a guard refuses a plan", remedy="see: accesssync provision plan")
    end(invocation, {"schema": "accesssync.provision_reconcile/1", "files": documents}, error)


def _ask(invocation: Invocation, ready: "Ready", limit: int) -> None:
    """Show the plan and ask; where nobody can answer, say so instead of waiting."""
    from accesssync.jobs.provision.plan import Planned

    if invocation.as_json or not sys.stdin.isatty():
        raise UsageError("there is nobody to ask", org=ready.plan.org, remedy="give --yes to apply without asking")
    show_plan(Planned(plan=ready.plan, digest=ready.digest, content=b""), now(), limit=limit)
    click.confirm("apply it?", abort=True)


def _tell_status(one: Document) -> None:
    say(visible(one["org"]))
    for plan_ in one["plans"]:
        states = ", ".join(f"{count:,} {state}" for state, count in plan_["actions"].items())
        when = (plan_["applied_at"] or plan_["created_at"])[:16].replace("T", " ")
        if not plan_["planned"]:
            continue
        word = "applied" if plan_["applied_at"] else "expired" if plan_["expired"] else "waiting"
        who = visible(plan_["applied_by"] or plan_["author"])
        say(f"  {plan_['digest'][:12]}  {word:<8} {plan_['planned']:,} actions  {when}  by {who}")
        if states:
            say(f"    {states}")
        for approval in plan_["approvals"]:
            verified = "signature verified" if approval["verified"] else "declared, not verified"
            say(f"    approved by {visible(approval['approver'])}: {verified}")
    if not one["plans"]:
        say("  no plan was made yet")
    for write in one["unknown"]:
        say(f"  UNKNOWN {write['operation']} {visible(write['subject'])}: {visible(write['detail'] or write['state'])}")
    if one["spent"]:
        say(f"  in 24 h: {one['spent']['removals']:,} removals, {one['spent']['privileged']:,} privileged changes")
    if one["unfinished"]:
        say("  next: accesssync provision resume")
