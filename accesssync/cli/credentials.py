"""`accesssync credentials`, `credential`, `teams` and `mappings`."""

import sys
from typing import Any

import click

from accesssync.cli import issuing
from accesssync.cli.inventory import ALSO_IN
from accesssync.cli.lists import (
    across_option,
    as_of_option,
    called_identities,
    chosen_roles,
    format_option,
    limit_option,
    longer_ago,
    opened,
    print_documents,
    privileged_option,
    unused_option,
)
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, day, print_json, say
from accesssync.cli.table import Column
from accesssync.errors import UsageError
from accesssync.model.visible import visible

USED = {"never": "never", "none_in_90d": "not in 90 d", "unknown": "unknown"}
MOST_PASTED = 4096
"""Characters of a pasted text that are looked at; no key is nearly as long."""


def _scoping(one: Document) -> object:
    if one["type"] == "api_key":
        return "organization"
    if not one["scopes_known"]:
        return "unknown"
    return "UNSCOPED" if one["scopes"] is None else one["scopes"] or "nothing"


def _whose(one: Document) -> str:
    whose = str(one["owner"] or one["owner_id"] or one["created_by"] or "")
    return whose if one["owner_known"] else f"{whose} (not listed)"


CREDENTIALS = (
    Column("NAME", lambda one: one["name"] or one["id"], least=20),
    Column("TYPE", lambda one: one["type"].replace("_", " "), least=11),
    Column("ENDS IN", lambda one: one["last4"] or "", least=4),
    Column("WHOSE", _whose, "middle", least=18),
    Column("SCOPES", _scoping, "list", least=12),
    Column("LAST USED", lambda one: USED.get(one["last_used_state"], day(one["last_used_at"])), least=10),
)
TEAMS = (
    Column("TEAM", lambda one: one["name"] or one["handle"] or one["id"], least=20),
    Column("MEMBERS", lambda one: len(one["members"]), "number"),
    Column("ADMINS", lambda one: one["admins"], "list", least=20),
)
MAPPINGS = (
    Column("ATTRIBUTE", lambda one: f"{one['attribute_key']}={one['attribute_value']}", least=24),
    Column("GIVES ROLE", lambda one: one["role"] or "", least=16),
    Column("GIVES TEAM", lambda one: one["team"] or "", least=16, sparse=True),
)


@click.command(
    epilog="""\b
Examples:
  accesssync credentials --kind application_key --unscoped
  accesssync credentials --owner ada@example.com --json
  accesssync credentials --privileged --unused-for 90d --format csv
  accesssync credentials --as-of 2026-06-30"""
)
@as_of_option
@click.option(
    "--kind",
    type=click.Choice(["application_key", "api_key", "personal_access_token", "service_access_token", "oauth_client"]),
    help="Only this type.",
)
@click.option("--owner", metavar="ID|EMAIL", help="Only those of this identity.")
@click.option("--unscoped", is_flag=True, help="Only those that may do everything their owner may.")
@privileged_option
@unused_option
@across_option
@limit_option
@format_option
@common
def credentials(
    invocation: Invocation,
    as_of: str | None,
    kind: str | None,
    owner: str | None,
    unscoped: bool,
    privileged: bool,
    unused_for: int | None,
    across_orgs: bool,
    limit: int,
    form: str,
) -> None:
    """Every key, token and OAuth client: whose, what for, last used. Never the secret itself."""
    from accesssync.jobs import credentials as job
    from accesssync.jobs import reach

    database, views = opened(invocation, as_of)

    called = called_identities(database, views, owner)
    asked = as_of is not None
    harmful = reach.privileged_credentials(database, views, as_of=asked, now=now()) if privileged else set()

    def belongs(one: Document) -> bool:
        # An owner who is gone is still known by its id and its last name.
        ids = (one["owner_id"], one["created_by_id"])
        return owner in (*ids, one["owner"], one["created_by"]) or any((one["org"], each) in called for each in ids)

    def wanted(one: Document, end: str) -> bool:
        return (
            (kind is None or one["type"] == kind)
            and (owner is None or belongs(one))
            and (not unscoped or one["scoping"] == "unscoped")
            and (not privileged or (one["org"], one["type"], one["id"]) in harmful)
            and (unused_for is None or _unused(one, unused_for, end))
        )

    ends = {view.org.name: (view.run.finished_at or now()).isoformat() for view in views}
    all_of_them = (one for view in views for one in job.credentials(database, view))
    found = job.across_orgs(database, views) if across_orgs else all_of_them

    fields = (
        "org", "id", "type", "name", "owner_id", "owner", "owner_known", "created_by", "scopes", "scopes_known",
        "scoping", "vendor", "broader_than_needed", "responsible", "purpose",
        "created_at", "last_used_at", "last_used_state", "expires_at", "last4", "disabled", "leaked",
        "first_seen_at", "first_seen_baseline",
    )  # fmt: skip
    print_documents(
        invocation,
        ("credential", "credentials"),
        fields,
        (one for one in found if wanted(one, ends[one["org"]])),
        form=form,
        table=(*CREDENTIALS, ALSO_IN) if across_orgs else CREDENTIALS,
        limit=limit,
    )


def _unused(one: Document, days: int, end: str) -> bool:
    """Whether a credential was not used for so many days; what nobody knows is not counted as unused."""
    if one["last_used_state"] == "unknown" or (one["last_used_state"] == "none_in_90d" and days > 90):
        return False
    return longer_ago(one["last_used_at"] or one["created_at"], end, days)


@click.group()
def credential() -> None:
    """Look at one credential, make one, replace it, narrow it, or end it."""


for _command in issuing.COMMANDS:
    credential.add_command(_command)


@credential.command(
    "show",
    epilog="""\b
Examples:
  accesssync credential show ci-deploy
  accesssync credential show a1b2 --json""",
)
@click.argument("which", metavar="ID|NAME|LAST4")
@as_of_option
@common
def show(invocation: Invocation, which: str, as_of: str | None) -> None:
    """One credential: whose it is, what it may do, and which of its scopes do nothing."""
    from accesssync.jobs import reach

    database, views = opened(invocation, as_of)
    found = reach.show_credential(database, views, which, as_of=as_of is not None, now=now())
    if not found:
        raise UsageError(
            f"no credential has {which!r} as id, name or last four characters",
            remedy="accesssync credentials lists all of them",
        )
    if invocation.as_json:
        print_json({"schema": "accesssync.credential/1", "credentials": found})
        return
    for one in found:
        _show(one)


def _show(one: Document) -> None:
    reach: Document = one["reach"]
    say(f"{visible(one['name'] or one['id'])}  ({one['type'].replace('_', ' ')} in {visible(one['org'])})")
    for label, value in (
        ("id", one["id"]),
        ("ends in", one["last4"]),
        ("owner", one["owner"] or one["owner_id"]),
        ("responsible", one["responsible"]),
        ("purpose", one["purpose"]),
        ("vendor", one["vendor"]),
        ("created", day(one["created_at"])),
        ("last used", day(one["last_used_at"]) if one["last_used_at"] else "never or not known"),
        ("expires", day(one["expires_at"]) if one["expires_at"] else None),
        ("state", f"{reach['standing']}: {reach['reason']}" if reach["reason"] else reach["standing"]),
        ("scoping", reach["scoping"]),
        ("may", _some(reach["effective"])),
        ("PRIVILEGED", _some(reach["privileged"])),
        ("dead scopes", _some(reach["dead"])),
        ("sleeping", _some(sorted(reach["sleeping"]))),
        ("unknown", _some(reach["unknown"])),
    ):
        if value:
            say(f"  {label:<11} {visible(value)}")
    for suggestion in one["owner_suggestions"]:
        say(f"  owner? {visible(suggestion['owner'])}: {visible(suggestion['reason'])} (a suggestion, not stored)")
    if one["broader_than_needed"]:
        checked = "" if one["excess_verified"] else " (not checked against the vendor's documentation)"
        say(f"  BROADER THAN NEEDED: {visible(one['broader_than_needed'])}{checked}")
    for doubt in (*reach["abilities"], *reach["doubts"]):
        say(f"  note: {visible(doubt)}")


def _some(names: Any) -> str:
    listed = list(names)
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return ", ".join(listed[:8]) + more


@credential.command(
    epilog="""\b
Example:
  pbpaste | accesssync credential identify --stdin"""
)
@click.option("--stdin", "from_stdin", is_flag=True, required=True, help="Read the key from standard input.")
@common
def identify(invocation: Invocation, from_stdin: bool) -> None:  # noqa: ARG001 - the option is there to be explicit
    """Whose a found key is. The key is compared in memory, and neither stored nor printed."""
    from accesssync.jobs import reach

    secret = sys.stdin.read(MOST_PASTED).strip()
    if not secret:
        raise UsageError("nothing came on standard input", remedy="pipe the key into the command")
    database, views = opened(invocation, None)
    found = reach.identify_key(database, views, secret)
    if invocation.as_json:
        print_json({"schema": "accesssync.identification/1", "matches": found})
        return
    for one in found:
        whose = one["owner"] or one["owner_id"] or "the organization"
        say(f"{visible(one['name'] or one['id'])}  {one['type'].replace('_', ' ')} of {visible(whose)}")
        say(f"  matched by {visible(one['matched_by'])}; next: accesssync revoke-preview {visible(one['id'])}")
    if not found:
        say("no known credential matches; if it is one of yours, run accesssync sync first")


@click.command(
    epilog="""\b
Examples:
  accesssync teams --subject ada@example.com
  accesssync teams --json"""
)
@as_of_option
@click.option("--subject", metavar="ID|EMAIL", help="Only teams that this identity is in.")
@limit_option
@format_option
@common
def teams(invocation: Invocation, as_of: str | None, subject: str | None, limit: int, form: str) -> None:
    """Every team, how many are in it, and who its admins are."""
    from accesssync.jobs import credentials as job

    database, views = opened(invocation, as_of)
    called = called_identities(database, views, subject)
    found = (
        one
        for view in views
        for one in job.teams(database, view)
        if subject is None or any((one["org"], member["identity_id"]) in called for member in one["members"])
    )
    fields = ("org", "id", "name", "handle", "created_at", "admins", "first_seen_at")
    print_documents(invocation, ("team", "teams"), fields, found, form=form, table=TEAMS, limit=limit)


@click.command(
    epilog="""\b
Examples:
  accesssync mappings --role "Datadog Admin Role"
  accesssync mappings --json"""
)
@as_of_option
@click.option("--role", metavar="NAME", help="Only what gives this role.")
@limit_option
@format_option
@common
def mappings(invocation: Invocation, as_of: str | None, role: str | None, limit: int, form: str) -> None:
    """Every SAML mapping: which attribute gives which role or team."""
    from accesssync.jobs import credentials as job

    database, views = opened(invocation, as_of)
    asked = chosen_roles(database, views, role)
    everything = (one for view in views for one in job.mappings(database, view))
    found = (one for one in everything if asked is None or one["role"] in asked)
    fields = ("org", "id", "attribute_key", "attribute_value", "role_id", "role", "team_id", "team", "created_at")
    print_documents(invocation, ("mapping", "mappings"), fields, found, form=form, table=MAPPINGS, limit=limit)
