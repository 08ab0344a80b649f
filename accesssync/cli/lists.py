"""What commands that print a list share: the options that narrow it, the three forms it can have."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation
from accesssync.cli.output import Document, complain, print_csv, print_json_list
from accesssync.cli.table import SHOWN, Column, print_table
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.inventory import View
    from accesssync.store.engine import Database

ORG = Column("ORG", lambda one: one["org"], least=6, telling=True)
_DAYS = re.compile(r"(\d{1,5})([dw]?)")


class Days(click.ParamType[int]):
    """So many days: 90, 90d or 12w; at least one."""

    name = "days"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of days; a usage error shows how it is written."""
        found = _DAYS.fullmatch(str(value).strip())
        days = int(found[1]) * (7 if found[2] == "w" else 1) if found else 0
        if days < 1:
            self.fail(f"{str(value)[:40]!r} is no number of days; write 90, 90d or 12w", param, ctx)
        return days


as_of_option = click.option("--as-of", metavar="WHEN", help="As it was at this run, time, date or age.")
limit_option = click.option("--limit", type=click.IntRange(0), default=SHOWN, help="Rows of the table; 0 for all.")
across_option = click.option(
    "--across-orgs", is_flag=True, help="Only those that several organizations know, side by side."
)
format_option = click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table")
unused_option = click.option(
    "--unused-for", type=Days(), metavar="DAYS", help="Only those not used for so long: 90, 90d or 12w."
)
privileged_option = click.option("--privileged", is_flag=True, help="Only those with a privileged permission.")


def opened(invocation: Invocation, as_of: str | None) -> "tuple[Database, list[View]]":
    from accesssync.jobs.inventory import views
    from accesssync.jobs.opening import open_to_read, written_rules

    when = invocation.when(as_of, "--as-of", "end")
    rules = written_rules(invocation.settings)
    engine = open_to_read(invocation.settings)
    found = views(engine, invocation.orgs, when, lambda error: complain(f"note: {visible(error.line())}"), rules)
    for view in found:
        if not view.proven:
            complain(f"note: {view.org.name} run-{view.run.id} was not proven complete; see accesssync status")
    return engine, found


def print_documents(
    invocation: Invocation,
    noun: tuple[str, str],
    fields: Sequence[str],
    found: Iterable[Document],
    *,
    form: str,
    table: Sequence[Column],
    limit: int,
    name: str | None = None,
) -> None:
    """The documents in the form that was asked for. `noun` is what one and many of them are called."""
    one, many = noun
    key = name or many
    if invocation.as_json:
        print_json_list(f"accesssync.{key}/1", key, found)
    elif form == "csv":
        print_csv(fields, found)
    else:
        print_table([*table, ORG], found, limit=limit, one=one, many=many)


def longer_ago(since: str | None, end: str, days: int) -> bool:
    """Whether a time of a document lies more than so many days before `end`; False where it is not known."""
    return since is not None and datetime.fromisoformat(since) < datetime.fromisoformat(end) - timedelta(days=days)


def chosen_roles(engine: "Database", views: "Sequence[View]", role: str | None) -> set[str] | None:
    """What the roles called `role` are shown as; None where nothing was asked for.

    Says so where there are none: an empty list would be read as "nobody holds it".
    """
    from accesssync.jobs.inventory import roles_called

    if role is None:
        return None
    found = roles_called(engine, views, role)
    if not found:
        complain(f"note: no role is called {visible(role)}; accesssync roles lists them")
    return found


def called_identities(engine: "Database", views: "Sequence[View]", text: str | None) -> "set[tuple[str, str]]":
    """The organization and id of everybody called `text`; says so where nobody is and ever was."""
    from accesssync.jobs.inventory import identities_called, subjects

    if text is None:
        return set()
    found = identities_called(engine, list(views), text)
    if not found and not any(text in {*known, *known.values()} for known in (subjects(engine, v) for v in views)):
        complain(f"note: nobody is called {visible(text)}; accesssync identities lists everybody")
    return found
