"""How fast alerts get out: made, kept in the outbox, and delivered to the log intake of a sandbox.

    python -m benchmarks.forward [--alerts 100000] [--few 10000] [--database-url URL]

The sandbox, what keeps the alerts and what delivers them are a process each. Every alert is the one of an opened
finding, about another person each time. The sandbox refuses what is beyond the intake's limits, so what arrived was
within them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.machine import Neighbours, describe
from benchmarks.process import environment, run

ORG = "acme"
GOAL_PER_SECOND = 10_000
GOAL_GROWTH_MIB = 32
"""How much more memory delivering all may take than delivering few."""

AT_ONCE = 2_000


@dataclass(frozen=True)
class Figures:
    """What one round came to. Seconds of wall clock and of CPU, MiB at most."""

    alerts: int
    kept: float
    delivered: float
    cpu: float
    peak: float
    requests: int
    arrived: int
    megabytes: float

    @property
    def per_second(self) -> float:
        """Alerts delivered in a second."""
        return self.alerts / self.delivered

    def wrong(self) -> list[str]:
        """What is not as promised."""
        found = []
        if self.arrived != self.alerts:
            found.append(f"{self.arrived:,} of {self.alerts:,} arrived")
        if self.requests < self.alerts / 1_000 or self.requests > self.alerts / 100 + 10:
            found.append(f"{self.requests:,} requests for {self.alerts:,} alerts")
        return found


def main(arguments: Sequence[str]) -> int:
    """Measure both sizes, print them, and say whether the goals are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forward", description=__doc__)
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--database-url")
    parser.add_argument("--part", choices=["serve", "keep", "deliver"], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part is not None:
        _PARTS[options.part](options.alerts)
        return 0
    neighbours = Neighbours()
    with tempfile.TemporaryDirectory(prefix="accesssync-forward-") as name:
        folder = Path(name)
        few = _round(folder, options.few, options.database_url)
        many = _round(folder, options.alerts, options.database_url)
    for one in (few, many):
        print(
            f"{one.alerts:>9,} alerts  kept in {one.kept:6.2f} s  delivered in {one.delivered:6.2f} s, "
            f"{one.per_second:>8,.0f} a second, {one.cpu:5.2f} s CPU  peak {one.peak:4.0f} MiB  "
            f"{one.requests:,} requests, {one.megabytes:,.0f} MB"
        )
    print(f"{describe()}; {neighbours.describe()}")
    return _verdict(few, many)


def _verdict(few: Figures, many: Figures) -> int:
    grown = many.peak - few.peak
    wrong = [*few.wrong(), *many.wrong()]
    goals = [
        (many.per_second >= GOAL_PER_SECOND, f"{GOAL_PER_SECOND:,} a second or more", f"{many.per_second:,.0f}"),
        (grown <= GOAL_GROWTH_MIB, f"at most {GOAL_GROWTH_MIB} MiB more for all than for few", f"{grown:.0f} MiB"),
        (not wrong, "everything arrives once, in requests within the limits", "; ".join(wrong) or "yes"),
    ]
    for met, goal, measured in goals:
        print(f"{'PASS' if met else 'MISS'}  {goal}: {measured}")
    return 0 if all(met for met, _, _ in goals) else 1


def _round(folder: Path, alerts: int, database_url: str | None) -> Figures:
    url = database_url or f"sqlite:///{folder / f'{alerts}.db'}"
    with _sandbox(folder) as (access, ask):
        given = {
            **access,
            "ACCESSSYNC_DATABASE_URL": url,
            "ACCESSSYNC_ALLOWED_OPERATIONS": "send_log",
            "ACCESSSYNC_FORWARD__ALERTS": "true",
            "ACCESSSYNC_FORWARD__DEAD_LETTERS": str(folder / "dead.ndjson"),
        }
        _, kept = run("benchmarks.forward", ["--part", "keep", "--alerts", str(alerts)], given, folder)
        cost, delivered = run("benchmarks.forward", ["--part", "deliver", "--alerts", str(alerts)], given, folder)
        arrived = ask()
    return Figures(
        alerts=alerts,
        kept=kept["wall"],
        delivered=delivered["wall"],
        cpu=delivered["cpu"],
        peak=cost.peak_rss / 2**20,
        requests=arrived["requests"],
        arrived=arrived["entries"],
        megabytes=arrived["bytes"] / 1e6,
    )


@contextmanager
def _sandbox(folder: Path) -> Iterator[tuple[dict[str, str], Any]]:
    """Its address and keys as settings, and what asks it for what has arrived."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.forward", "--part", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(folder),
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask() -> Any:
        process.stdin.write("\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        return json.loads(process.stdout.readline())  # type: ignore[union-attr]

    try:
        yield json.loads(process.stdout.readline()), ask
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _serve(_alerts: int) -> None:
    from accesssync.sandbox import SandboxServer, generate

    with SandboxServer(generate(5, 1, datetime.now(UTC)), rate_limit=1_000_000_000) as server:
        given = {
            "ACCESSSYNC_ORGS__ACME__API_URL": server.url,
            "ACCESSSYNC_ORGS__ACME__API_KEY": server.api_key,
            "ACCESSSYNC_ORGS__ACME__APP_KEY": server.app_key,
        }
        print(json.dumps(given), flush=True)
        for _ in sys.stdin:
            count = server.organization.published.received["logs"]
            told = {"requests": count.requests, "entries": count.entries, "bytes": count.bytes}
            print(json.dumps(told), flush=True)


def _keep(alerts: int) -> None:
    """Put so many alerts into the outbox, in the transactions that findings are stored in."""
    from accesssync.jobs.forward.tell import keep_told, kept, telling_of
    from accesssync.jobs.opening import open_to_write
    from accesssync.settings import load
    from accesssync.store import runs

    settings = load()
    engine = open_to_write(settings)
    now = datetime.now(UTC)
    org = runs.ensure_org(engine, ORG, "datadoghq.com", now)
    [configured] = settings.organizations()
    about = telling_of(settings, configured).about
    made = list(_alerts(alerts, now, about))
    began = time.perf_counter()
    for start in range(0, alerts, AT_ONCE):
        keep_told(engine, org.id, [kept(one) for one in made[start : start + AT_ONCE]], now)
    print(json.dumps({"wall": time.perf_counter() - began}))


def _alerts(count: int, now: datetime, about: Any) -> Iterator[Any]:
    from accesssync.forward.alerts import FindingNews, of_finding
    from accesssync.forward.people import Person
    from accesssync.model.change import Cause

    for number in range(count):
        identifier = f"688172d2-d1d9-11ec-ad3d-{number:012x}"
        email = f"person{number}@example.com"
        news = FindingNews(
            event="opened", cause=Cause.ORG, at=now - timedelta(milliseconds=count - number), run_id=7,
            id=f"F-{number:06X}", check="AS-PRIV-05", severity="high", kind="identity", subject_id=identifier,
            subject=email, person=Person(identifier, email, f"Person {number}"),
            evidence={
                "last_login_at": "2026-05-04T10:00:00Z", "days": 90, "roles": ["Datadog Admin Role", "On-call"],
                "may": ["user_access_manage", "org_management", "api_keys_write"], "keys_used_since": None,
            },
        )  # fmt: skip
        entry = of_finding(news, about)
        assert entry is not None
        yield entry


def _deliver(alerts: int) -> None:
    """Deliver what waits."""
    from accesssync.jobs.forward.deliver import World
    from accesssync.jobs.forward.run import Connecting, deliver_all
    from accesssync.jobs.opening import open_to_write
    from accesssync.settings import load

    settings = load()
    engine = open_to_write(settings)
    rng = Random(1)  # noqa: S311 - waits, nothing secret
    world = World(
        clock=lambda: datetime.now(UTC),
        sleep=time.sleep,
        rng=rng,
        check=lambda: None,
        on_progress=lambda _what, _done, _of: None,
    )
    connecting = Connecting(sleep=time.sleep, monotonic=time.monotonic, rng=rng)
    wall, cpu = time.perf_counter(), time.process_time()
    [turn] = deliver_all(engine, settings, [], connecting, world)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    assert turn.error is None, turn.error
    assert (turn.delivered, turn.waiting) == (alerts, 0), (turn.delivered, turn.waiting)
    print(json.dumps(spent))


_PARTS = {"serve": _serve, "keep": _keep, "deliver": _deliver}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
