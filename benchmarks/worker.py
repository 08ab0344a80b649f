"""Measure workers that share many organizations, and the memory of one that goes on for long.

`share`: how much more several workers do than one, whether any organization was ever in two hands or done twice,
what killing one loses, and how fast they end. `memory`: what a worker holds after many syncs.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from accesssync.sandbox import SandboxServer, generate
from benchmarks.machine import Neighbours, describe
from benchmarks.process import environment
from tests import postgres

WITHIN = 1800.0
OVERLAPS = """
    SELECT count(*) FROM runs one JOIN runs other ON one.org_id = other.org_id AND one.id < other.id
    WHERE other.started_at < one.finished_at
"""
SUCCEEDED = "SELECT count(*) FROM runs WHERE status = 'succeeded'"
PER_ORG = """
    SELECT coalesce(min(n), 0), coalesce(max(n), 0), count(*)
    FROM (SELECT count(*) AS n FROM runs WHERE status = 'succeeded' GROUP BY org_id) AS counted
"""
SPAN = "SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM runs WHERE id > :since"


def main() -> None:
    """One of the two measurements; its figures as JSON on standard output."""
    options = _parser().parse_args()
    neighbours = Neighbours()
    with tempfile.TemporaryDirectory(prefix="accesssync-bench-") as name:
        # Another user's database server has to get through.
        Path(name).chmod(0o755)
        figures = options.measure(options, Path(name))
    machine = f"{describe()}; {neighbours.describe()}"
    print(json.dumps({"schema": "accesssync.worker-benchmark/1", "machine": machine, **figures}, indent=1))


def share(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Several workers beside one."""
    with postgres.server() as server, _sandbox(options.users, options.latency_ms) as sandbox:
        with postgres.fresh_database(server) as url, _Fleet(url, sandbox, options.single, 1, folder) as one:
            _say(f"1 worker, {options.single} organizations")
            alone = [one.wave(number) for number in (1, 2)]
        with (
            postgres.fresh_database(server) as url,
            _Fleet(url, sandbox, options.orgs, options.workers, folder) as all_,
        ):
            _say(f"{options.workers} workers, {options.orgs} organizations")
            together = [all_.wave(number) for number in (1, 2)]
            _say("one is killed in the middle")
            killed = all_.wave(3, all_.kill_one)
            _say("all are told to stop in the middle")
            stopped = all_.stop_in_the_middle()
            return {
                "organizations": options.orgs,
                "users": options.users,
                "latency_ms": options.latency_ms,
                "workers": options.workers,
                "one_worker_per_second": {"organizations": options.single, "baseline": alone[0], "unchanged": alone[1]},
                "together_per_second": {"baseline": together[0], "unchanged": together[1]},
                "times_one": {
                    "baseline": round(together[0] / alone[0], 2),
                    "unchanged": round(together[1] / alone[1], 2),
                },
                "with_one_killed_per_second": killed,
                "runs_per_organization_before_the_end": all_.counted,
                "in_two_hands": all_.ask(OVERLAPS)[0][0],
                "seconds_to_stop": stopped,
            }


def memory(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One worker with one organization, synced again and again."""
    with _sandbox(options.users, 0.0) as sandbox:
        given = {
            **_access(sandbox, ["default"]),
            "ACCESSSYNC_DATABASE_URL": f"sqlite:///{folder / 'memory.db'}",
            "ACCESSSYNC_SCHEDULE__SYNC": "every 1s",
            "ACCESSSYNC_WORKER__HEALTH": "off",
        }
        log = folder / "memory.log"
        samples: dict[int, float] = {}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "accesssync", "worker"], env=environment(folder, given), stderr=out, cwd=folder
            )
        try:
            until, done = time.monotonic() + options.seconds, 0
            while done < options.syncs and time.monotonic() < until and process.poll() is None:
                time.sleep(0.2)
                done = log.read_text().count(" proven ")
                if done // 50 > max(samples, default=0) // 50:
                    samples[done] = _resident(process.pid)
                    _say(f"{done} syncs: {samples[done]:.1f} MiB")
        finally:
            process.terminate()
            process.wait(30)
        first, last = min(samples, default=0), max(samples, default=0)
        return {
            "users": options.users,
            "mebibytes_after_syncs": samples,
            "grown_percent": round(100 * (samples[last] / samples[first] - 1), 1) if samples else None,
        }


class _Fleet:
    """Workers on one database."""

    def __init__(self, url: Any, sandbox: SandboxServer, orgs: int, workers: int, folder: Path) -> None:
        self._engine: Engine = create_engine(url)
        self._orgs = orgs
        self._folder = folder
        self._names = [f"org-{number:04}" for number in range(orgs)]
        self._given = {
            **_access(sandbox, self._names),
            "ACCESSSYNC_DATABASE_URL": url.render_as_string(hide_password=False),
            "ACCESSSYNC_WORKER__MODE": "queue",
            "ACCESSSYNC_WORKER__HEALTH": "off",
            "ACCESSSYNC_WORKER__HEARTBEAT": "2",
            "ACCESSSYNC_SCHEDULE__SYNC": "every 1d",
            "ACCESSSYNC_SCHEDULE__RETENTION": "off",
            "ACCESSSYNC_SCHEDULE__EVALUATE": "off",
        }
        self._processes = [self._start(number) for number in range(workers)]
        self.counted: list[int] = []

    def __enter__(self) -> "_Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._processes:
            each.kill()
            each.wait()
        self._engine.dispose()

    def ask(self, query: str, **values: object) -> list[Any]:
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def wave(self, number: int, meanwhile: Callable[[], None] | None = None) -> float:
        """Let every organization be synced once more; organizations per second.

        `meanwhile` is called when a third of them is done.
        """
        since = 0
        if number > 1:
            since = self.ask("SELECT max(id) FROM runs")[0][0]
            self._all_due()
        if meanwhile is not None:
            self._until((number - 1) * self._orgs + self._orgs // 3)
            meanwhile()
        self._until(number * self._orgs)
        span = float(self.ask(SPAN, since=since)[0][0])
        self._count()
        return round(self._orgs / span, 2)

    def _count(self) -> None:
        least, most, orgs = self.ask(PER_ORG)[0]
        self.counted = [least, most, orgs]

    def kill_one(self) -> None:
        self._processes[-1].kill()

    def stop_in_the_middle(self) -> list[float]:
        """Seconds that each worker took to end."""
        done = self._succeeded()
        self._all_due()
        self._until(done + 5)
        since = time.monotonic()
        alive = [each for each in self._processes if each.poll() is None]
        for each in alive:
            each.send_signal(signal.SIGTERM)
        took = []
        for each in alive:
            each.wait(60)
            took.append(round(time.monotonic() - since, 2))
        return took

    def _all_due(self) -> None:
        with self._engine.begin() as connection:
            now = datetime.now(UTC)
            connection.execute(
                text("UPDATE job_states SET next_at = :now, changed_at = :now WHERE job = 'sync'"), {"now": now}
            )

    def _succeeded(self) -> int:
        try:
            return int(self.ask(SUCCEEDED)[0][0])
        except Exception:  # noqa: BLE001 - the tables are still being made
            return 0

    def _until(self, runs: int) -> None:
        until = time.monotonic() + WITHIN
        while self._succeeded() < runs:
            if time.monotonic() > until:
                raise RuntimeError("it takes too long")
            time.sleep(0.2)

    def _start(self, number: int) -> "subprocess.Popen[bytes]":
        with (self._folder / f"worker-{len(self._names)}-{number}.log").open("wb") as log:
            command = [sys.executable, "-m", "accesssync", "worker", "--env-file", str(self._env_file())]
            return subprocess.Popen(command, env=environment(self._folder), stderr=log, cwd=self._folder)

    def _env_file(self) -> Path:
        path = self._folder / f"settings-{len(self._names)}.env"
        path.write_text("".join(f"{name}='{value}'\n" for name, value in self._given.items()))
        return path


@contextmanager
def _sandbox(users: int, latency_ms: float) -> Iterator[SandboxServer]:
    # In this process: it waits most of the time, and so does the one who measures.
    organization = generate(users, 1, datetime.now(UTC))
    with SandboxServer(organization, latency_ms=latency_ms, rate_limit=1_000_000_000, activity_share=0.0) as server:
        yield server


def _access(sandbox: SandboxServer, names: Sequence[str]) -> Mapping[str, str]:
    given = {"ACCESSSYNC_API_URL": sandbox.url}
    if names == ["default"]:
        return {**given, "DD_API_KEY": sandbox.api_key, "DD_APP_KEY": sandbox.app_key}
    for name in names:
        given[f"ACCESSSYNC_ORGS__{name.upper()}__API_KEY"] = sandbox.api_key
        given[f"ACCESSSYNC_ORGS__{name.upper()}__APP_KEY"] = sandbox.app_key
    return given


def _resident(pid: int) -> float:
    """Mebibytes of memory that a process holds at this moment."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker", description=__doc__)
    kinds = parser.add_subparsers(required=True)
    one = kinds.add_parser("share", help="several workers beside one")
    one.add_argument("--orgs", type=int, default=300)
    one.add_argument("--single", type=int, default=60, help="organizations of the one worker that is compared with")
    one.add_argument("--workers", type=int, default=4)
    one.add_argument("--users", type=int, default=20)
    one.add_argument("--latency-ms", type=float, default=50.0)
    one.set_defaults(measure=share)
    other = kinds.add_parser("memory", help="a worker that goes on for long")
    other.add_argument("--users", type=int, default=2_000)
    other.add_argument("--syncs", type=int, default=1_000)
    other.add_argument("--seconds", type=float, default=3_600, help="stop after so long, whatever was reached")
    other.set_defaults(measure=memory)
    return parser


if __name__ == "__main__":
    main()
