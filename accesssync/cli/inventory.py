"""`accesssync identities`, `identity`, `grants`, `roles` and `admins`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from accesssync.cli.options import Invocation, common
from accesssync.cli.output import (
    SHOWN,
    Document,
    complain,
    day,
    print_csv,
    print_json,
    print_json_list,
    print_table,
    say,
)
from accesssync.cli.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.inventory import View
    from accesssync.store.engine import Database

Rows = Callable[[Document], Sequence[object]]

as_of_option = click.option("--as-of", metavar="WHEN", help="As it was at this run, time, date or age.")
limit_option = click.option("--limit", type=click.IntRange(0), default=SHOWN, help="Rows of the table; 0 for all.")
format_option = click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table")


def _opened(invocation: Invocation, as_of: str | None) -> "tuple[Database, list[View]]":
    from accesssync.jobs.inventory import views
    from accesssync.jobs.opening import open_to_read

    when = invocation.when(as_of, "--as-of", "end")
    engine = open_to_read(invocation.settings)
    found = views(engine, invocation.orgs, when)
    for view in found:
        if not view.proven:
            complain(f"note: {view.org.name} run-{view.run.id} was not proven complete; see accesssync status")
    return engine, found


def _print(
    invocation: Invocation, name: str, columns: Sequence[str], found: Iterable[Document], *, form: str, table: Any
) -> None:
    if invocation.as_json:
        print_json_list(f"accesssync.{name}/1", name, found)
    elif form == "csv":
        print_csv(columns, found)
    else:
        headings, row, limit, what = table
        print_table(headings, (row(one) for one in found), limit=limit, what=what)


@click.command(
    epilog="""\b
Examples:
  accesssync identities
  accesssync identities --kind nhi --json
  accesssync identities --as-of 2026-06-30 --format csv"""
)
@as_of_option
@click.option("--kind", type=click.Choice(["human", "nhi", "review", "unknown"]), help="Only with this label.")
@click.option("--role", metavar="NAME", help="Only who holds this role.")
@limit_option
@format_option
@common
def identities(
    invocation: Invocation, as_of: str | None, kind: str | None, role: str | None, limit: int, form: str
) -> None:
    """Every user record: people and service accounts, disabled ones included."""
    from accesssync.jobs import inventory as job

    engine, views = _opened(invocation, as_of)

    def found() -> Iterator[Document]:
        for view in views:
            for one in job.identities(engine, view):
                if (kind is None or one["classification"]["label"] == kind) and (role is None or role in one["roles"]):
                    yield one

    columns = (
        "org", "id", "email", "handle", "name", "title", "status", "disabled", "verified", "mfa_enabled",
        "service_account", "created_at", "last_login_at", "last_login_state", "roles", "first_seen_at",
        "first_seen_baseline",
    )  # fmt: skip
    headings = ("WHO", "NAME", "STATUS", "KIND", "LAST LOGIN", "ROLES")
    table = (headings, _identity_row, limit, "identities")
    _print(invocation, "identities", columns, found(), form=form, table=table)


def _identity_row(one: Document) -> Sequence[object]:
    login = {"never": "never", "unknown": "unknown"}.get(one["last_login_state"], day(one["last_login_at"]))
    label = one["classification"]["label"]
    return one["email"] or one["id"], one["name"], one["status"], label, login, one["roles"]


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

    engine, views = _opened(invocation, as_of)
    found = [one for view in views for one in job.show_identity(engine, view, who)]
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
@click.option("--subject", metavar="ID|EMAIL", help="Only this identity.")
@limit_option
@format_option
@common
def grants(
    invocation: Invocation,
    as_of: str | None,
    history: bool,
    role: str | None,
    subject: str | None,
    limit: int,
    form: str,
) -> None:
    """Who holds which role, and since when."""
    from accesssync.jobs import inventory as job

    engine, views = _opened(invocation, as_of)

    def found() -> Iterator[Document]:
        for view in views:
            emails = job.subjects(engine, view)
            for one in job.grants(engine, view, history=history):
                named = {**one, "subject": emails.get(one["identity_id"], one["identity_id"])}
                if (role is None or role == one["role"]) and (
                    subject is None or subject in (one["identity_id"], named["subject"])
                ):
                    yield named

    columns = ("org", "identity_id", "subject", "role_id", "role", "since", "until", "since_baseline")
    table = (("WHO", "ROLE", "SINCE", "UNTIL"), _grant_row, limit, "grants")
    _print(invocation, "grants", columns, found(), form=form, table=table)


def _grant_row(one: Document) -> Sequence[object]:
    since = ("by " if one["since_baseline"] else "") + day(one["since"])
    return one["subject"], one["role"], since, day(one["until"]) if one["until"] else ""


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

    engine, views = _opened(invocation, as_of)
    found = (one for view in views for one in job.roles(engine, view) if one["privileged"] or not privileged)
    columns = ("org", "id", "name", "created_at", "identities", "permissions", "privileged", "first_seen_at")
    headings = ("ROLE", "HELD BY", "PERMISSIONS", "PRIVILEGED BY")
    table = (headings, _role_row, limit, "roles")
    _print(invocation, "roles", columns, found, form=form, table=table)


def _role_row(one: Document) -> Sequence[object]:
    return one["name"] or one["id"], one["identities"], len(one["permissions"]), one["privileged"]


@click.command(
    epilog="""\b
Privileged are permissions of tier 0 and 1 (control plane, secrets, evidence, sensitive data, ...), less what
the built-in Datadog Standard Role carries.

Examples:
  accesssync admins
  accesssync admins --as-of 2026-06-30 --json"""
)
@as_of_option
@limit_option
@format_option
@common
def admins(invocation: Invocation, as_of: str | None, limit: int, form: str) -> None:
    """Who holds a privileged permission and is not disabled, and through which roles."""
    from accesssync.jobs import inventory as job

    engine, views = _opened(invocation, as_of)
    found = (one for view in views for one in job.admins(engine, view))
    columns = ("org", "id", "email", "name", "status", "service_account", "last_login_at", "roles", "privileged")
    headings = ("WHO", "LAST LOGIN", "VIA", "WORST")
    table = (headings, _admin_row, limit, "identities with privileged permissions")
    _print(invocation, "admins", columns, found, form=form, table=table)


def _admin_row(one: Document) -> Sequence[object]:
    login = {"never": "never", "unknown": "unknown"}.get(one["last_login_state"], day(one["last_login_at"]))
    return one["email"] or one["name"] or one["id"], login, one["roles"], one["privileged"]
