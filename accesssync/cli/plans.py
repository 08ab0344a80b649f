"""The provisioning commands that make plans and pass judgement on them."""

import sys
from datetime import timedelta
from pathlib import Path

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import print_json, say
from accesssync.cli.provisioning import (
    by_option,
    database_of,
    doors_of,
    limit_option,
    observe_first,
    only_org,
    out_option,
    ready_of,
    tell_plan,
)
from accesssync.errors import UsageError
from accesssync.model.visible import visible


@click.command(
    epilog="""\b
Looks at the organization first if that was never done. What it writes, planned at once, asks for nothing.

\b
Examples:
  accesssync provision export -o access.yaml
  accesssync provision export --org acme --format csv"""
)
@out_option
@click.option("--format", "form", type=click.Choice(["yaml", "csv"]), default="yaml")
@by_option
@common
def export(invocation: Invocation, out: Path | None, form: str, by: str | None) -> None:
    """Write the organization as it is as an access file to begin from."""
    from accesssync.jobs.provision.plan import export_access
    from accesssync.jobs.provision.plan_file import write_private

    org = only_org(invocation)
    operator = invocation.operator(by)
    lines, told = export_access(
        database_of(invocation), org, observe_first(invocation), form=form, by=operator, now=now()
    )
    content = "".join(f"{line}\n" for line in lines)
    if out is not None:
        write_private(out, content.encode())
    if invocation.as_json:
        document = {"org": org.name, **told, "file": str(out) if out else None, "content": None if out else content}
        print_json({"schema": "accesssync.provision_export/1", **document})
    elif out is None:
        sys.stdout.write(content)
    else:
        say(f"{out}: {visible(org.name)} as run-{told['run_id']} saw it")
        if told["left_out"]:
            say(f"{told['left_out']:,} user records are left out, as the file's first lines say")
        say(f"next: edit it, then accesssync provision plan {out}")


@click.command(
    epilog="""\b
Nothing is written to Datadog. Exits with 4 where a guard refuses the plan, which is written all the same.

\b
Examples:
  accesssync provision plan access.yaml
  accesssync provision plan people.csv --org acme --mode authoritative -o acme.json"""
)
@click.argument("access", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="ACCESS.yaml")
@out_option
@click.option("--mode", type=click.Choice(["additive", "authoritative"]), help="Instead of what the file says.")
@limit_option
@by_option
@common
def plan(invocation: Invocation, access: Path, out: Path | None, mode: str | None, limit: int, by: str | None) -> None:
    """What would be written so that the organization becomes what a file says."""
    from accesssync.jobs.provision.plan import plan_from
    from accesssync.provision.desired import Mode

    author = invocation.operator(by)
    planned = plan_from(
        database_of(invocation),
        invocation.settings,
        access,
        invocation.orgs,
        doors_of(invocation),
        observe_first(invocation),
        mode=Mode(mode) if mode else None,
        author=author,
        now=now(),
    )
    tell_plan(invocation, planned, out, limit)


@click.command(
    epilog="""\b
Where ACCESSSYNC_APPROVERS lists keys, the approval has to be signed by one of them. PLAN is the file or the
beginning of its digest.

\b
Examples:
  accesssync provision approve plan.json --by bob@example.com
  accesssync provision approve 3f2a91c0d4e5 --key bob.pem --by bob@example.com"""
)
@click.argument("plan_name", metavar="PLAN")
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Your Ed25519 private key, as PEM."
)
@by_option
@common
def approve(invocation: Invocation, plan_name: str, key: Path | None, by: str | None) -> None:
    """Approve a plan that somebody else made."""
    from accesssync.jobs.provision.consent import approve as job

    database = database_of(invocation)
    ready = ready_of(invocation, database, plan_name)
    given = job(database, invocation.settings, ready, by=invocation.operator(by), key=key, now=now())
    word = "signature verified" if given.verified else "declared, not verified"
    if invocation.as_json:
        document = {"digest": ready.digest, "org": ready.plan.org, "approver": given.approver}
        print_json({"schema": "accesssync.provision_approve/1", **document, "verified": given.verified})
    else:
        say(f"plan {ready.digest[:12]} approved by {visible(given.approver)}: {word}")


@click.command(
    epilog="""\b
Good for this plan and once. It passes guards against too much at a time; never those that keep admins, protected
people and our own keys.

\b
Examples:
  accesssync provision override plan.json --reason "the Berlin office closes, HR-1182"
  accesssync provision override 3f2a91c0d4e5 --rule removals --reason "HR-1182" --hours 2"""
)
@click.argument("plan_name", metavar="PLAN")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit log.")
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Only this guard; repeatable.")
@click.option("--hours", type=click.IntRange(1, 24), default=4, help="How long it is good for.")
@by_option
@common
def override(
    invocation: Invocation, plan_name: str, reason: str, rules: tuple[str, ...], hours: int, by: str | None
) -> None:
    """Let a plan past the guards that refuse it."""
    from accesssync.jobs.provision.consent import override as job

    if not reason.strip() or len(reason) > 1000:
        raise UsageError("--reason has to be a text of at most 1,000 characters")
    database = database_of(invocation)
    ready = ready_of(invocation, database, plan_name)
    valid = timedelta(hours=hours)
    passed = job(database, ready, rules, by=invocation.operator(by), reason=reason.strip(), valid=valid, now=now())
    if invocation.as_json:
        print_json({"schema": "accesssync.provision_override/1", "digest": ready.digest, "rules": passed})
    else:
        say(f"plan {ready.digest[:12]} may pass {', '.join(passed)}, once, within {hours} h")
        say("next: accesssync provision apply " + visible(plan_name))
