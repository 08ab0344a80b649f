"""`accesssync identities`, `identity`, `grants`, `roles` and `admins`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

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
from accesssync.model.visible import visible

if TYPE_CHECKING:
    pass


def _who(one: Document) -> object:
    return one["email"] or one["name"] or one["id"]


def _login(one: Document) -> str:
    return {"never": "never", "unknown": "unknown"}.get(one["last_login_state"], day(one["last_login_at"]))


def _since(one: Document) -> str:
    return ("by " if one["since_baseline"] else "") + day(one["since"])


ALSO_IN = Column("ALSO IN", lambda one: one["also_in"], "list", least=8)

IDENTITIES = (
    Column("WHO", _who, "middle", least=28),
    Column("NAME", lambda one: one["name"], least=14, optional=True),
    Column("STATUS", lambda one: one["status"], least=6),
    Column("KIND", lambda one: one["classification"]["label"], least=5),
    Column("LAST LOGIN", _login),
    Column("ROLES", lambda one: one["roles"], "list", least=18),
)
GRANTS = (
    Column("WHO", lambda one: one["subject"], "middle", least=28),
    Column("ROLE", lambda one: one["role"], least=20),
    Column("SINCE", _since, least=10),
    Column("UNTIL", lambda one: day(one["until"]) if one["until"] else "", least=10, sparse=True),
)
ROLES = (
    Column("ROLE", lambda one: one["name"] or one["id"], least=24),
    Column("HELD BY", lambda one: one["identities"], "number"),
    Column("PERMISSIONS", lambda one: len(one["permissions"]), "number"),
    Column("PRIVILEGED BY", lambda one: one["privileged"], "list", least=20),
)
ADMINS = (
    Column("WHO", _who, "middle", least=26),
    Column("LAST LOGIN", _login),
    Column("THROUGH", lambda one: one["roles"], "list", least=18),
    Column("MAY", lambda one: one["privileged"], "list", least=20),
)


@click.command(
    epilog="""\b
Examples:
  accesssync identities
  accesssync identities --kind nhi --json
  accesssync identities --privileged --unused-for 90d
  accesssync identities --as-of 2026-06-30 --format csv"""
)
@as_of_option
@click.option("--kind", type=click.Choice(["human", "nhi", "review", "unknown"]), help="Only with this label.")
@click.option("--role", metavar="NAME", help="Only who holds this role.")
@privileged_option
@unused_option
@across_option
@limit_option
@format_option
@common
def identities(
    invocation: Invocation,
    as_of: str | None,
    kind: str | None,
    role: str | None,
    privileged: bool,
    unused_for: int | None,
    across_orgs: bool,
    limit: int,
    form: str,
) -> None:
    """Every user record: people and service accounts, disabled ones included."""
    from accesssync.jobs import inventory as job

    engine, views = opened(invocation, as_of)
    asked = chosen_roles(engine, views, role)
    harmful = {(one["org"], one["id"]) for view in views for one in job.admins(engine, view)} if privileged else set()
    ends = {view.org.name: (view.run.finished_at or now()).isoformat() for view in views}

    def wanted(one: Document) -> bool:
        return (
            (kind is None or one["classification"]["label"] == kind)
            and (asked is None or not asked.isdisjoint(one["roles"]))
            and (not privileged or (one["org"], one["id"]) in harmful)
            and (unused_for is None or _unused(one, unused_for, ends[one["org"]]))
        )

    def everybody() -> Iterator[Document]:
        if across_orgs:
            return job.across_orgs(engine, views)
        return (one for view in views for one in job.identities(engine, view))

    def found() -> Iterator[Document]:
        for one in everybody():
            if wanted(one):
                # CSV has no nested cells; the contract's document has them only where they belong.
                told = one["classification"]
                flat = {"nhi_kind": told["kind"], **{name: told[name] for name in ("label", "score", "basis")}}
                yield {**one, **flat} if form == "csv" and not invocation.as_json else one

    columns = (
        "org", "id", "email", "handle", "name", "title", "status", "disabled", "verified", "mfa_enabled",
        "service_account", "created_at", "last_login_at", "last_login_state", "roles", "first_seen_at",
        "first_seen_baseline", "look_alikes", "also_in", "label", "nhi_kind", "score", "basis", "owner", "purpose",
    )  # fmt: skip
    table = (*IDENTITIES, ALSO_IN) if across_orgs else IDENTITIES
    print_documents(invocation, ("identity", "identities"), columns, found(), form=form, table=table, limit=limit)


def _unused(one: Document, days: int, end: str) -> bool:
    """Whether somebody has not logged in for so many days; who is not known to log in at all is not counted."""
    return one["last_login_state"] != "unknown" and longer_ago(one["last_login_at"] or one["created_at"], end, days)


@click.group()
def identity() -> None:
    """Everything about one identity."""


@identity.command(
    "show",
    epilog="""\b
Examples:
  accesssync identity show ada@example.com
  accesssync identity show ada@example.com --as-of run-377 --json""",
)
@click.argument("who", metavar="ID|EMAIL")
@as_of_option
@common
def identity_show(invocation: Invocation, who: str, as_of: str | None) -> None:
    """One identity: its facts, its roles since when, and what it may do through which role."""
    from accesssync.errors import UsageError
    from accesssync.jobs import inventory as job
    from accesssync.jobs import reach

    engine, views = opened(invocation, as_of)
    found = []
    for view in views:
        for one in job.show_identity(engine, view, who):
            if one["service_account"]:
                at = reach.moment_of(view, as_of=as_of is not None, now=now())
                one["reach"] = reach.reach_of_account(engine, view, one["id"], at)
            found.append(one)
    if not found:
        raise UsageError(f"nobody has {who!r} as id, e-mail or handle", remedy="accesssync identities lists everybody")
    if invocation.as_json:
        print_json({"schema": "accesssync.identity/1", "identities": found})
        return
    if len(found) > 1:
        say(f"{len(found)} different identities answer to this; they are not merged.\n")
    for one in found:
        _show_identity(one)


def _show_identity(one: Document) -> None:
    what = "service account" if one["service_account"] else "user"
    say(f"{visible(one['name'] or one['email'] or one['id'])}  ({what} in {visible(one['org'])})")
    for label, value in (
        ("id", one["id"]),
        ("e-mail", one["email"]),
        ("handle", one["handle"]),
        ("title", one["title"]),
        ("status", one["status"]),
        ("MFA", {True: "on", False: "off", None: "unknown"}[one["mfa_enabled"]]),
        ("created", day(one["created_at"])),
        ("last login", day(one["last_login_at"]) if one["last_login_at"] else one["last_login_state"]),
        ("first seen", day(one["first_seen_at"]) + (" (baseline)" if one["first_seen_baseline"] else "")),
    ):
        if value:
            say(f"  {label:<11} {visible(value)}")
    say("  roles")
    for grant in one["grants"]:
        since = day(grant["since"]) + (" or earlier (baseline)" if grant["since_baseline"] else "")
        say(f"    {visible(grant['role'])}  since {since}")
    if one["privileged"]:
        say(f"  PRIVILEGED: {', '.join(visible(name) for name in one['privileged'][:8])}")
        if len(one["privileged"]) > 8:
            say(f"    and {len(one['privileged']) - 8} more")
    if "reach" in one:
        usable, unscoped = len(one["reach"]["usable"]), len(one["reach"]["unscoped"])
        say(f"  its credentials together can use {usable} of them; {unscoped} of the credentials are unscoped")
    say(f"  {len(one['permissions'])} permissions in all; --json lists each with its roles\n")


@click.command(
    epilog="""\b
Examples:
  accesssync grants --role "Datadog Admin Role"
  accesssync grants --subject ada@example.com --history
  accesssync grants --as-of 2026-06-30 --format csv"""
)
@as_of_option
@click.option("--history", is_flag=True, help="Also grants that had ended by then.")
@click.option("--role", metavar="NAME", help="Only this role.")
@click.option("--privileged", is_flag=True, help="Only roles with a privileged permission.")
@click.option("--subject", metavar="ID|EMAIL", help="Only this identity.")
@limit_option
@format_option
@common
def grants(
    invocation: Invocation,
    as_of: str | None,
    history: bool,
    role: str | None,
    privileged: bool,
    subject: str | None,
    limit: int,
    form: str,
) -> None:
    """Who holds which role, and since when."""
    from accesssync.jobs import inventory as job

    engine, views = opened(invocation, as_of)
    called = called_identities(engine, views, subject)
    asked = chosen_roles(engine, views, role)

    def found() -> Iterator[Document]:
        for view in views:
            emails = job.subjects(engine, view)
            harmful = job.privileged_roles(engine, view) if privileged else set()
            for one in job.grants(engine, view, history=history):
                named = {**one, "subject": emails.get(one["identity_id"], one["identity_id"])}
                if privileged and one["role_id"] not in harmful:
                    continue
                if (asked is None or one["role"] in asked) and (
                    subject is None
                    or subject in (one["identity_id"], named["subject"])
                    or (one["org"], one["identity_id"]) in called
                ):
                    yield named

    columns = ("org", "identity_id", "subject", "role_id", "role", "since", "until", "since_baseline")
    print_documents(invocation, ("grant", "grants"), columns, found(), form=form, table=GRANTS, limit=limit)


@click.command(
    epilog="""\b
Examples:
  accesssync roles
  accesssync roles --privileged --json"""
)
@as_of_option
@click.option("--privileged", is_flag=True, help="Only roles with a privileged permission.")
@limit_option
@format_option
@common
def roles(invocation: Invocation, as_of: str | None, privileged: bool, limit: int, form: str) -> None:
    """Every role: how many hold it, how much it carries, and what makes it privileged."""
    from accesssync.jobs import inventory as job

    engine, views = opened(invocation, as_of)
    found = (one for view in views for one in job.roles(engine, view) if one["privileged"] or not privileged)
    columns = ("org", "id", "name", "created_at", "identities", "permissions", "privileged", "first_seen_at")
    print_documents(invocation, ("role", "roles"), columns, found, form=form, table=ROLES, limit=limit)


@click.command(
    epilog="""Privileged are permissions of tier 0 and 1 (control plane, secrets, evidence, sensitive data, ...), less
what the built-in Datadog Standard Role carries.

\b
Examples:
  accesssync admins
  accesssync admins --role "Datadog Admin Role"
  accesssync admins --as-of 2026-06-30 --json"""
)
@as_of_option
@click.option("--role", metavar="NAME", help="Only through this role.")
@unused_option
@limit_option
@format_option
@common
def admins(
    invocation: Invocation, as_of: str | None, role: str | None, unused_for: int | None, limit: int, form: str
) -> None:
    """Who holds a privileged permission and is not disabled, and through which roles."""
    from accesssync.jobs import inventory as job

    engine, views = opened(invocation, as_of)
    asked = chosen_roles(engine, views, role)
    ends = {view.org.name: (view.run.finished_at or now()).isoformat() for view in views}
    found = [
        one
        for view in views
        for one in job.admins(engine, view)
        if (asked is None or not asked.isdisjoint(one["roles"]))
        and (unused_for is None or _unused(one, unused_for, ends[one["org"]]))
    ]
    if form == "table" and not invocation.as_json:
        # People look at the first screen: who may do most comes first.
        found.sort(key=lambda one: -len(one["privileged"]))
    columns = ("org", "id", "email", "name", "status", "service_account", "last_login_at", "roles", "privileged")
    noun = ("identity with a privileged permission", "identities with privileged permissions")
    print_documents(invocation, noun, columns, found, form=form, table=ADMINS, limit=limit, name="admins")
