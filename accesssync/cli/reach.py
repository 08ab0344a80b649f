"""`accesssync who-can`, `offboard-preview` and `revoke-preview`."""

from itertools import chain

import click

from accesssync.cli.lists import as_of_option, format_option, limit_option, opened
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, complain, day, print_csv, print_json, say
from accesssync.cli.table import Column, print_table
from accesssync.model.visible import visible

PEOPLE = (
    Column("WHO", lambda one: one["email"] or one["name"] or one["id"], "middle", least=26),
    Column("HOW", lambda one: one["via"], "list", least=30),
    Column("ORG", lambda one: one["org"], least=6, telling=True),
)
KEYS = (
    Column("CREDENTIAL", lambda one: one["name"] or one["id"], least=20),
    Column("TYPE", lambda one: one["type"].replace("_", " "), least=11),
    Column("HOW", lambda one: one["via"], "list", least=26),
    Column("ORG", lambda one: one["org"], least=6, telling=True),
)

HOLDER = ("org", "type", "id", "email", "name", "owner_id", "scopes", "direct", "via")


@click.command(
    epilog="""\b
Examples:
  accesssync who-can user_access_manage
  accesssync who-can org_management --indirect     # also those who could give it to themselves
  accesssync who-can api_keys_write --as-of 2026-06-30 --json"""
)
@click.argument("permission")
@as_of_option
@click.option("--indirect", is_flag=True, help="Also whoever could give it to itself.")
@limit_option
@format_option
@common
def who_can(invocation: Invocation, permission: str, as_of: str | None, indirect: bool, limit: int, form: str) -> None:
    """Every identity and credential that can, and by which path."""
    from accesssync.jobs import reach

    database, views = opened(invocation, as_of)
    found = reach.who_can_document(database, views, permission, indirect=indirect, as_of=as_of is not None, now=now())
    if invocation.as_json:
        print_json({"schema": "accesssync.who_can/1", **found})
        return
    for note in found["notes"]:
        complain(f"note: {visible(note)}")
    if form == "csv":
        people = ({**one, "type": "identity"} for one in found["identities"])
        print_csv(HOLDER, chain(people, found["credentials"]))
        return
    print_table(PEOPLE, found["identities"], limit=limit, one="identity", many="identities")
    say()
    print_table(KEYS, found["credentials"], limit=limit, one="credential", many="credentials")


@click.command(epilog="Example: accesssync offboard-preview ada@example.com")
@click.argument("who", metavar="EMAIL|ID")
@common
def offboard_preview(invocation: Invocation, who: str) -> None:
    """What dies and what lives on when somebody is disabled, and what to move first. Changes nothing."""
    from accesssync.jobs import reach

    database, views = opened(invocation, None)
    found = reach.offboard(database, views, who, now=now())
    if invocation.as_json:
        print_json({"schema": "accesssync.offboard_preview/1", "previews": found})
        return
    for one in found:
        _show_offboard(one)


def _show_offboard(one: Document) -> None:
    state = "  (disabled already)" if one["already_disabled"] else ""
    say(f"{visible(one['subject'])} in {visible(one['org'])}{state}")
    for label, key in (("dies", "dies"), ("lives on", "lives_on"), ("stopped", "stopped"), ("unclear", "unclear")):
        for fate in one[key]:
            first = "MOVE FIRST  " if fate["id"] in one["move_first"] else ""
            say(f"  {label:<9} {first}{_fate(fate)}")
            say(f"            {visible(fate['why'])}")
    if one["roles"]:
        say(f"  loses roles: {', '.join(visible(role) for role in one['roles'])}")
    for team in one["teams"]:
        last = "  (its last admin)" if team["last_admin"] else ""
        say(f"  leaves team {visible(team['team'])}{last}")
    if one["last_holder_of"]:
        say(f"  NOBODY ELSE HOLDS: {', '.join(visible(name) for name in one['last_holder_of'])}")
    if one["last_person_of"]:
        say(f"  no other person holds: {', '.join(visible(name) for name in one['last_person_of'])}")
    for note in one["notes"]:
        say(f"  note: {visible(note)}")


def _fate(fate: Document) -> str:
    use = fate["use"]
    used = f"last used {day(use['at'])}" if use["at"] else use["state"].replace("_", " ")
    end = f" ..{visible(fate['last4'])}" if fate["last4"] else ""
    return f"{fate['type'].replace('_', ' ')} {visible(fate['name'] or fate['id'])}{end}, {used}"


@click.command(epilog="Example: accesssync revoke-preview ci-deploy")
@click.argument("which", metavar="ID|NAME|LAST4")
@common
def revoke_preview(invocation: Invocation, which: str) -> None:
    """What stops when a credential is revoked. Changes nothing."""
    from accesssync.jobs import reach

    database, views = opened(invocation, None)
    found = reach.revoke(database, views, which, now=now())
    if invocation.as_json:
        print_json({"schema": "accesssync.revoke_preview/1", "previews": found})
        return
    for one in found:
        _show_revoke(one)


def _show_revoke(one: Document) -> None:
    works = {True: "works", False: "does not work today", None: "may or may not work"}[one["works"]]
    named = visible(one["name"] or one["credential_id"])
    say(f"{one['type'].replace('_', ' ')} {named} in {visible(one['org'])}: {works}")
    use = one["use"]
    say(f"  last used: {day(use['at']) if use['at'] else use['state'].replace('_', ' ')}  urgency: {one['urgency']}")
    for owner in one["owners"]:
        say(f"  {visible(owner['relation'])}: {visible(owner['subject'] or owner['id'])}")
    if one["stops"]:
        say(f"  stops: {len(one['stops'])} permissions, {', '.join(visible(name) for name in one['stops'][:6])}")
    if one["lost"]:
        say(f"  no other credential of its owner can: {', '.join(visible(name) for name in one['lost'][:6])}")
    say(f"  {len(one['remaining'])} other working credentials of the same owner remain")
    for warning in one["warnings"]:
        say(f"  note: {visible(warning)}")
