"""Whatever answers get lost, in the end everything is as the file says, nothing was done twice, every doubt is told."""

from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from accesssync.jobs.provision.result import Became
from accesssync.store.invitations import list_invitations
from tests.jobs.provisioning import Desk, acme, user
from tests.provision.builders import ADMIN, READ, STANDARD

CROWD = [f"crowd{number:03}x" for number in range(40)]


@pytest.mark.parametrize("seed", range(12))
def test_lost_answers_before_and_after_the_write(engine: Engine, tmp_path: Path, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - chance, not secrecy
    desk = Desk(engine, acme("ada", "bob", "left", *CROWD), tmp_path, guard_privileged=50)
    desk.sync()
    new = [f"new{number}x" for number in range(8)]
    text = "mode: authoritative\nusers:\n"
    wanted = {name: chance.sample([ADMIN, READ, STANDARD], chance.randint(1, 3)) for name in (*new, "ada", "bob")}
    text += "".join(user(name, *roles) for name, roles in wanted.items()) + "absent:\n  - email: left@example.com\n"

    def fault(_operation: str, _subject: str) -> str | None:
        return chance.choices([None, "before", "after"], [0.6, 0.2, 0.2])[0]

    desk.datadog.fault = fault
    results = list(desk.do(text).results)
    for _ in range(60):
        more = [one for applied in desk.resume() for one in applied.results]
        if not more:
            break
        results = more
    for name, roles in wanted.items():
        assert desk.datadog.by_email(f"{name}@example.com").role_ids == tuple(sorted(roles))
    assert desk.org.users["left"].disabled
    assert set(desk.datadog.created.values()) == {1}
    assert set(desk.datadog.created) == {f"{name}@example.com" for name in new}
    assert all(count == 1 for count in desk.datadog.mails.values())
    told = {one.subject for one in results if one.outcome is Became.UNKNOWN}
    doubtful = {one.email for one in list_invitations(engine, desk.record.id) if one.state == "unknown"}
    assert told == doubtful
    assert doubtful | set(desk.datadog.mails) == {f"{name}@example.com" for name in new}
    desk.sync()
    assert desk.plan(text).plan.actions == ()
