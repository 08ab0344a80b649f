"""What the provisioning commands share: options, the ways to Datadog, and how a command ends."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, now
from accesssync.cli.output import Document, complain, print_json, print_json_failed, say
from accesssync.cli.plan_view import SHOWN, show_plan
from accesssync.errors import AccessSyncError, UsageError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.provision.apply import World
    from accesssync.jobs.provision.plan import Observe, Planned
    from accesssync.jobs.provision.plan_file import Ready
    from accesssync.jobs.provision.terms import Doors
    from accesssync.provision.credentials import CredentialGateway
    from accesssync.settings import OrgSettings
    from accesssync.store.engine import Database
    from accesssync.store.runs import OrgRecord

FINISH = "finish what was begun with: accesssync provision resume"

by_option = click.option("--by", metavar="WHO", help="Who is acting; otherwise ACCESSSYNC_OPERATOR or the login name.")
out_option = click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it.", metavar="FILE"
)
limit_option = click.option(
    "--limit", type=click.IntRange(0), default=SHOWN, help="Subjects shown of a plan; 0 for all."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def database_of(invocation: Invocation) -> "Database":
    from accesssync.jobs.opening import open_to_write

    return open_to_write(invocation.settings)


def doors_of(invocation: Invocation) -> "Doors":
    from accesssync.jobs.provision.doors import doors

    return doors(
        invocation.settings,
        sleep=time.sleep,
        monotonic=time.monotonic,
        rng=random.SystemRandom(),
        on_event=lambda event: invocation.log(
            event.kind, f"{event.org} {event.resource}: {event.reason}; waiting {event.wait:.1f} s", level="warning"
        ),
    )


@contextmanager
def resumable() -> Iterator[None]:
    """Say what to do where writing ends in the middle: a signal is told of once, with what fits it."""
    try:
        yield
    except AccessSyncError:
        raise
    except Exception:
        complain(f"stopped in the middle; {FINISH}")
        raise
    except BaseException as stopped:
        stopped.add_note(FINISH)
        raise


def credentials_of(invocation: Invocation) -> "Callable[[OrgSettings], CredentialGateway]":
    """The way to Datadog through which credentials are changed and read back."""
    from accesssync.jobs.opening import open_gateway

    return partial(
        open_gateway,
        invocation.settings,
        sleep=time.sleep,
        monotonic=time.monotonic,
        rng=random.SystemRandom(),
        on_event=lambda event: invocation.log(
            event.kind, f"{event.org}: {event.reason}; waiting {event.wait:.1f} s", level="warning"
        ),
    )


def observe_first(invocation: Invocation) -> "Observe":
    """Sync an organization that was never looked at, as `accesssync sync` would."""

    def observe(org: "OrgSettings") -> None:
        from accesssync.jobs.provision.doors import observe_once

        complain(f"{visible(org.name)} was never looked at: doing that first")
        observe_once(
            database_of(invocation),
            invocation.settings,
            org,
            clock=now,
            sleep=time.sleep,
            monotonic=time.monotonic,
            rng=random.SystemRandom(),
            by=invocation.operator(otherwise="accesssync"),
        )

    return observe


def world_of(on_done: Callable[[int, int], None]) -> "World":
    from accesssync.jobs.provision.apply import World

    return World(clock=now, sleep=time.sleep, on_done=on_done)


def only_org(invocation: Invocation) -> "OrgSettings":
    chosen = invocation.settings.organizations(invocation.orgs)
    if len(chosen) != 1:
        names = ", ".join(one.name for one in chosen)
        raise UsageError("this is done for one organization at a time", remedy=f"give --org, one of {names}")
    return chosen[0]


def record_of(database: "Database", org: "OrgSettings") -> "OrgRecord":
    from accesssync.store.runs import find_org

    record = find_org(database, org.name)
    if record is None or record.published_run_id is None:
        raise UsageError("nothing is stored yet", org=org.name, remedy="run: accesssync sync")
    return record


def ready_of(invocation: Invocation, database: "Database", name: str) -> "Ready":
    from accesssync.jobs.provision.plan_file import load_plan

    return load_plan(database, invocation.settings, name, invocation.orgs)


def tell_plan(invocation: Invocation, planned: "Planned", out: Path | None, limit: int) -> None:
    """Write the plan's file and show it; a guard that refuses it is the command's failure."""
    from accesssync.jobs.provision.apply import refusal
    from accesssync.jobs.provision.plan_file import write_private

    path = out or Path("plan.json")
    write_private(path, planned.content)
    error: AccessSyncError | None = None
    if planned.guarded:
        guards = [one for one in planned.plan.refusals if one.guard]
        error = refusal(planned.plan.org, guards, planned.digest)
    if not invocation.as_json:
        show_plan(planned, now(), limit=limit)
        if error is None and planned.plan.actions and not planned.plan.refusals:
            until = planned.plan.expires_at
            say(f"next: accesssync provision apply {path}   (until {until:%m-%d %H:%M} UTC)")
    end(invocation, planned.document(), error)


def end(invocation: Invocation, document: Document, error: AccessSyncError | None) -> None:
    if invocation.as_json and error is not None:
        print_json_failed(document, error)
    if invocation.as_json:
        print_json(document)
    elif error is not None:
        raise error
