"""Measure an evaluation: 100,000 users, 300,000 grants and 20,000 credentials, read, judged and written.

    python -m benchmarks.findings [--users N] [--database-url URL]

The organization is made in the database itself, so that nothing but the evaluation is in the figures. Each evaluation
runs in a process of its own: the first one opens everything, the second finds everything as it was.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from accesssync.jobs.findings.evaluate import evaluate_orgs
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.sync.collect import Collector  # noqa: F401 - so that the process weighs what a sync weighs
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.sandbox.datafiles import permissions
from accesssync.store import runs, schema
from accesssync.store.engine import Database, parse_url
from accesssync.store.kinds import API_KEYS, APPLICATION_KEYS, IDENTITIES, PERMISSIONS, ROLES, Kind
from accesssync.store.lease import Lease, leased
from accesssync.store.record import Recorder
from benchmarks.machine import describe

ROLE_COUNT = 60
KEYS_PER_USER = 0.2


def main(arguments: list[str]) -> int:
    """Make the organization, evaluate it twice in processes of their own, and print what they cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.findings", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--database-url")
    parser.add_argument("--evaluate", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.evaluate:
        print(json.dumps(_evaluate(options.evaluate)))
        return 0
    with tempfile.TemporaryDirectory(prefix="accesssync-findings-") as folder:
        url = options.database_url or f"sqlite:///{Path(folder) / 'accesssync.db'}"
        made = _make(url, options.users)
        print(f"{describe()}\n{made['users']:,} users, {made['grants']:,} grants, {made['credentials']:,} credentials")
        for name in ("first", "unchanged"):
            command = [sys.executable, "-m", "benchmarks.findings", "--evaluate", url]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(
                f"{name:<10} {told['cpu']:6.1f} s CPU  {told['wall']:6.1f} s wall  {told['peak_mib']:5.0f} MiB  "
                f"{told['open']:,} open, {told['opened']:,} opened"
            )
    return 0


def _evaluate(url: str) -> dict[str, float]:
    engine = schema.open_for_writing(parse_url(url))
    began, used = time.monotonic(), time.process_time()
    (judged,) = evaluate_orgs(engine, [], Rulebook(), clock=lambda: datetime.now(UTC), sleep=time.sleep)
    found = judged.evaluated
    assert found is not None, judged.error
    assert not found.failed, found.failed
    return {
        "cpu": time.process_time() - used,
        "wall": time.monotonic() - began,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "open": found.open,
        "opened": found.opened,
    }


def _make(url: str, users: int) -> dict[str, int]:
    engine = schema.open_for_writing(parse_url(url))
    now = datetime.now(UTC)
    org = runs.ensure_org(engine, "bench", "datadoghq.eu", now)
    with leased(engine, "bench", org.id, wait=False, sleep=time.sleep) as lease:
        run_id = runs.begin_run(engine, lease, now)
        made = fill(engine, lease, run_id, users, now)
        seen = runs.Observed(coverage=Coverage(state=CoverageState.COMPLETE), started_at=now, finished_at=now)
        result = runs.Result(
            finished_at=now, status="succeeded", baseline=True, complete=True, requests=0, duration_seconds=0.0,
            rate_limit_left=None, counts={},
        )  # fmt: skip
        runs.publish(engine, lease, run_id, dict.fromkeys(Resource, seen), result)
    engine.dispose()
    return made


def fill(engine: Database, lease: Lease, run_id: int, users: int, now: datetime) -> dict[str, int]:
    """Write a made-up organization as a run sees it, and count it."""
    rng, today = Random(1), now.date()  # noqa: S311 - invented data
    catalogue = [
        Permission(id=one.id, name=one.name, display_type=one.display_type, restricted=one.restricted)
        for one in permissions()
    ]
    roles = _roles(rng, catalogue, now)
    people = [_identity(rng, number, roles, now) for number in range(users)]
    keys = [_key(rng, number, people, now) for number in range(round(users * KEYS_PER_USER))]
    application = [one for one in keys if one.type == CredentialType.APPLICATION_KEY]
    for kind, records in (
        (PERMISSIONS, catalogue),
        (ROLES, roles),
        (IDENTITIES, people),
        (APPLICATION_KEYS, application),
        (API_KEYS, [one for one in keys if one.type == CredentialType.API_KEY]),
    ):
        _record(engine, lease, run_id, kind, records, today)
    grants = sum(len(one.role_ids) for one in people)
    return {"users": len(people), "grants": grants, "credentials": len(keys)}


def _record(engine: Database, lease: Lease, run_id: int, kind: Kind[Any], records: list[Any], today: date) -> None:
    recorder = Recorder(engine, lease, run_id, kind, today)
    for start in range(0, len(records), 1_000):
        recorder.offer(records[start : start + 1_000])
    recorder.flush()


def _roles(rng: Random, catalogue: list[Permission], now: datetime) -> list[Role]:
    ids = [one.id for one in catalogue]
    made = now - timedelta(days=900)
    named = [
        Role(id="admin", name="Datadog Admin Role", created_at=made, permission_ids=tuple(ids)),
        Role(id="standard", name="Datadog Standard Role", created_at=made, permission_ids=tuple(ids[60:200])),
    ]
    for number in range(ROLE_COUNT):
        carried = tuple(rng.sample(ids[60:], 8))
        named.append(Role(id=f"role-{number}", name=f"Role {number}", created_at=made, permission_ids=carried))
    return named


def _identity(rng: Random, number: int, roles: list[Role], now: datetime) -> Identity:
    machine = rng.random() < 0.06
    chosen = {"admin" if rng.random() < 0.01 else "standard", *(rng.choice(roles[2:]).id for _ in range(2))}
    away = timedelta(days=rng.expovariate(1 / 20))
    return Identity(
        id=f"{number:08x}-d1d9-11ec-ad3d-da7ad0900002",
        email=f"person.number{number}@{'partner.example' if rng.random() < 0.05 else 'example.com'}",
        handle=f"person.number{number}@example.com",
        name=f"Person Number {number}",
        status="Active" if rng.random() < 0.9 else "Disabled",
        disabled=False,
        verified=True,
        service_account=machine,
        created_at=now - timedelta(days=rng.uniform(1, 2000)),
        role_ids=tuple(sorted(chosen)),
        last_login_at=None if machine else now - away,
    )


def _key(rng: Random, number: int, people: list[Identity], now: datetime) -> Credential:
    kind = CredentialType.APPLICATION_KEY if rng.random() < 0.9 else CredentialType.API_KEY
    owner = rng.choice(people).id
    made = now - timedelta(days=rng.uniform(1, 700))
    return Credential(
        id=f"{number:08x}-0000-11ec-ad3d-da7ad0900002",
        type=kind,
        name=f"key {number}",
        owner_id=owner if kind == CredentialType.APPLICATION_KEY else None,
        created_by_id=owner,
        scopes=None if rng.random() < 0.5 else ("dashboards_read",),
        created_at=made,
        last4=f"{number % 65536:04x}",
        last_used_at=max(made, now - timedelta(days=rng.expovariate(1 / 20))),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
