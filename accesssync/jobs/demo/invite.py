"""The act in which people are let in by file."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from accesssync.jobs.demo.stage import ORG, Act, Stage
from accesssync.jobs.provision.apply import World, apply
from accesssync.jobs.provision.doors import doors
from accesssync.jobs.provision.plan import Planned, plan_from
from accesssync.jobs.provision.plan_file import read
from accesssync.jobs.provision.result import Became
from accesssync.model.operation import Operation
from accesssync.settings import OrgSettings

NEW = ("grace.hopper", "katherine.johnson", "margaret.hamilton")
ROLE = "Datadog Standard Role"


def invite(stage: Stage) -> Act:
    """Three people are asked for in a file: planned, applied, and planned again."""
    mails = len(stage.organization.invitations)
    around = stage.surroundings
    ways = doors(
        stage.settings, sleep=around.sleep, monotonic=around.monotonic, rng=around.rng, on_event=lambda _event: None
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "access.yaml"
        people = "".join(f"  - email: {name}@example.com\n    roles: [{ROLE}]\n" for name in NEW)
        path.write_text(f"version: 1\norg: {ORG}\nusers:\n{people}", encoding="utf-8")

        def plan() -> Planned:
            now = around.clock()
            return plan_from(
                stage.engine, stage.settings, path, [], ways, _never, mode=None, author="the demonstration", now=now
            )

        planned = plan()
        ready = read(stage.engine, stage.settings, planned.content, "plan.json", [])
        world = World(clock=around.clock, sleep=around.sleep, on_done=lambda _done, _total: None)
        done = apply(stage.engine, stage.settings, ready, ways, world, by="the demonstration")
        stage.sync()
        again = plan()
    asked = _invited(one.operation for one in planned.plan.actions)
    applied = _invited(one.operation for one in done.results if one.outcome is Became.SUCCEEDED)
    sent = len(stage.organization.invitations) - mails
    rest = len(again.plan.actions)
    left = "nothing to do" if not rest else f"{rest:,} still to do"
    return Act(
        name="invite",
        kept=(asked, applied, sent, rest, done.error) == (len(NEW), len(NEW), len(NEW), 0, None),
        said=(f"{asked} planned, {applied} applied, planned again: {left}",),
        figures={"planned": asked, "applied": applied, "mails": sent, "planned_again": rest},
    )


def _invited(operations: Iterable[Operation]) -> int:
    return sum(one is Operation.SEND_INVITATION for one in operations)


def _never(org: OrgSettings) -> None:
    raise AssertionError(f"{org.name} was looked at before")
