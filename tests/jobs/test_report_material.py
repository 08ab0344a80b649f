"""What a report is made from, at any past run: compared with what was written down when that run was the newest."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, insert, select

from accesssync.jobs.findings.accept import unwaive, waive
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.inventory import views
from accesssync.jobs.report.material import material_at
from accesssync.model.when import AtRun
from accesssync.reports.datasets.logbook import provisioning_log
from accesssync.reports.material import Material
from accesssync.store.tables import approvals, findings, intents, orgs, plans
from tests.builders import FakeSource, Org, Syncing


def material(engine: Engine, run: int | None = None) -> Material:
    [view] = views(engine, ["acme"], None if run is None else AtRun(run), lambda _error: None)
    return material_at(engine, view, Rulebook())


def statuses(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {row.id: row.status for row in connection.execute(select(findings.c.id, findings.c.status))}


@pytest.mark.parametrize("seed", range(4))
def test_a_finding_stands_at_every_past_run_as_it_did_then(engine: Engine, sync: Syncing, seed: int) -> None:
    """People lose and get roles, risks are accepted, taken back, run out and come back: no status is rewritten."""
    rng = Random(seed)  # noqa: S311 - invented data
    org = Org(users=4)
    source = FakeSource(org)
    noted: dict[int, dict[str, str]] = {}
    for _ in range(12):
        for one in rng.sample(sorted(org.users), 2):
            org.put(replace(org.users[one], role_ids=rng.choice([(), ("role-1",)])))
        done = sync(source)
        assert done.run is not None, done.error
        noted[done.run.id] = statuses(engine)
        sync.clock.advance(days=rng.choice([0, 1, 3]))
        for one, status in statuses(engine).items():
            now = sync.clock()
            if status == "open" and rng.random() < 0.4:
                expires = now.date() + timedelta(days=rng.choice([0, 1, 4]))
                terms = {"owner": "ada", "reason": "known", "approver": "bob"}
                waive(engine, [], one, **terms, expires=expires, by="ada", now=now)
            elif status == "waived" and rng.random() < 0.4:
                unwaive(engine, [], one, reason="not any more", by="ada", now=now)
    assert len({status for each in noted.values() for status in each.values()}) == 3
    for run, expected in noted.items():
        told = {one.id: one.status for one in material(engine, run).findings()}
        assert told == expected, f"run-{run}"
    newest = material(engine)
    assert {one.id: one.status for one in newest.findings()}.keys() == statuses(engine).keys()


def test_grants_and_permissions_know_since_when(engine: Engine, sync: Syncing) -> None:
    org = Org(users=2)
    source = FakeSource(org)
    first = sync(source).run
    org.put(replace(org.users["user-0001"], role_ids=("role-1", "role-2")))
    org.put(replace(org.roles["role-1"], permission_ids=("perm-1", "perm-2")))
    second = sync(source).run
    org.put(replace(org.users["user-0002"], role_ids=()))
    third = sync(source).run
    assert first
    assert second
    assert third
    org.put(replace(org.users["user-0002"], role_ids=("role-1",)))
    fourth = sync(source).run
    assert fourth
    found = material(engine)
    assert found.grant_runs["user-0001"] == {"role-1": first.id, "role-2": second.id}
    assert found.grant_runs["user-0002"] == {"role-1": fourth.id}
    assert found.permission_runs["role-1"] == {"perm-1": first.id, "perm-2": second.id}
    assert "user-0002" not in material(engine, third.id).grant_runs
    assert material(engine, first.id).permission_runs["role-1"] == {"perm-1": first.id}
    [one] = [one for one in found.people if one.id == "user-0001"]
    since = {
        part.name: part.since(found.grant_runs[one.id]) for part in found.holdings.parts(one.role_ids, privileged=False)
    }
    assert since == {"permission_1": first.id, "permission_2": second.id}


def test_the_provisioning_log_has_every_write_and_who_approved_it(engine: Engine, sync: Syncing) -> None:
    done = sync(FakeSource(Org()))
    assert done.run is not None
    at = done.run.started_at - timedelta(minutes=1)
    with engine.begin() as connection:
        org_id = connection.execute(select(orgs.c.id)).scalar_one()
        connection.execute(
            insert(plans).values(
                digest="d" * 64, org_id=org_id, author="ada", created_at=at, expires_at=at, document="{}"
            )
        )
        for name in ("bob", "eve"):
            approval = {"plan": "d" * 64, "approver": name, "approved_at": at, "signature": "", "verified": True}
            connection.execute(insert(approvals).values(**approval))
        for number, (state, made, expected) in enumerate(OUTCOMES):
            values: dict[str, Any] = {
                "org_id": org_id, "plan": "d" * 64 if number % 2 else None, "number": number, "operation": "grant_role",
                "subject": f"={expected}", "subject_id": f"user-{number}", "chain": "x", "action": {"role_ids": ["r"]},
                "removal": False, "privileged": False, "actor": "ada", "state": state, "done": made,
                "planned_at": at + timedelta(seconds=number), "sends": 1,
            }  # fmt: skip
            connection.execute(insert(intents).values(**values))
    dataset = provisioning_log(material(engine))
    names = [column.name for column in dataset.columns]
    rows = [dict(zip(names, row, strict=True)) for row in dataset.read()]
    assert [row["result"] for row in rows] == [expected for _, _, expected in OUTCOMES]
    assert [row["approved_by"] for row in rows[:2]] == [(), ("bob", "eve")]
    assert {row["requested_by"] for row in rows} == {"ada"}
    assert len({row["payload_digest"] for row in rows}) == 1
    assert list(dataset.read()) == list(dataset.read())


OUTCOMES = (
    ("confirmed", None, "succeeded"),
    ("rejected", None, "failed"),
    ("unknown", None, "unknown"),
    ("sent", None, "unknown"),
    ("reconciled", True, "succeeded"),
    ("reconciled", False, "failed"),
    ("skipped", None, "skipped"),
    ("planned", None, "not_attempted"),
    ("intent", None, "not_attempted"),
)
"""Every state of a write, what came of it, and the word for it."""
