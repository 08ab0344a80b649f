"""Measure a report: 100,000 users, 300,000 grants and 20,000 credentials, read and written in every format.

    python -m benchmarks.reports [--users N] [--formats csv,json,...] [--all-permissions] [--database-url URL]

The organization is made, classified and evaluated in the database itself; the report is then made in a process of its
own, so that its peak of memory is that of making a report and nothing else.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from accesssync.jobs.findings.evaluate import evaluate_orgs
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.report.formats import FORMATS, chosen_formats
from accesssync.jobs.report.make import Order, make_report
from accesssync.jobs.sync.classify import Judging, classify_all
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.store import runs, schema
from accesssync.store.engine import parse_url
from accesssync.store.lease import leased
from benchmarks.findings import fill
from benchmarks.machine import Neighbours, describe


def main(arguments: list[str]) -> int:
    """Make the organization, report on it in processes of their own, and print what they cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reports", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--formats", help="one report with these formats; default: each alone, then the usual ones")
    parser.add_argument("--all-permissions", action="store_true")
    parser.add_argument("--database-url")
    parser.add_argument("--report", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.report:
        url, folder = options.report
        print(json.dumps(_report(url, folder, options.formats, all_permissions=options.all_permissions)))
        return 0
    neighbours = Neighbours()
    with tempfile.TemporaryDirectory(prefix="accesssync-reports-") as folder:
        url = options.database_url or f"sqlite:///{Path(folder) / 'accesssync.db'}"
        made = _make(url, options.users)
        print(f"{made['users']:,} users, {made['grants']:,} grants, {made['credentials']:,} credentials")
        usual = ",".join(one.name for one in chosen_formats(None))
        for names in [options.formats] if options.formats else [*FORMATS, usual]:
            command = [sys.executable, "-m", "benchmarks.reports", "--report", url, folder, "--formats", names]
            command += ["--all-permissions"] if options.all_permissions else []
            told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            print(
                f"{names:<24} {told['cpu']:6.1f} s CPU  {told['wall']:6.1f} s wall  {told['peak_mib']:5.0f} MiB  "
                f"{told['rows']:,} rows, {told['megabytes']:,.0f} MB"
            )
            for what, seconds in told["steps"]:
                print(f"  {what:<22} {seconds:6.1f} s")
    print(f"{describe()}; {neighbours.describe()}")
    return 0


def _report(url: str, folder: str, formats: str, *, all_permissions: bool) -> dict[str, object]:
    engine = schema.open_for_reading(parse_url(url))
    began, used = time.monotonic(), _cpu()
    steps: list[tuple[str, float]] = []

    chosen = chosen_formats(formats)
    labels = ["reading", *(one.name for one in chosen), "closing"]

    def progress(_what: str, done: int, _total: int | None) -> None:
        steps.append((labels[done], time.monotonic()))

    order = Order(
        out=Path(folder) / f"report-{uuid4().hex[:8]}", formats=chosen, by="benchmark",
        now=datetime.now(UTC), token=uuid4(), all_permissions=all_permissions,
    )  # fmt: skip
    made = make_report(engine, Rulebook(), order, progress)
    ends = [at for _, at in steps[1:]] + [time.monotonic()]
    return {
        "cpu": _cpu() - used,
        "wall": time.monotonic() - began,
        "peak_mib": max(_peak(resource.RUSAGE_SELF), _peak(resource.RUSAGE_CHILDREN)),
        "rows": sum(one.rows or 0 for one in made.files.values()),
        "megabytes": sum(one.bytes for one in made.files.values()) / 1e6,
        "steps": [(what, end - at) for (what, at), end in zip(steps, ends, strict=True)],
    }


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def _make(url: str, users: int) -> dict[str, int]:
    engine = schema.open_for_writing(parse_url(url))
    now = datetime.now(UTC)
    org = runs.ensure_org(engine, "bench", "datadoghq.eu", now)
    seen = runs.Observed(coverage=Coverage(state=CoverageState.COMPLETE), started_at=now, finished_at=now)
    observed = dict.fromkeys(Resource, seen)
    with leased(engine, "bench", org.id, wait=False, sleep=time.sleep) as lease:
        run_id = runs.begin_run(engine, lease, now)
        made = fill(engine, lease, run_id, users, now)
        classify_all(engine, lease, run_id, Judging(), now, observed)
        result = runs.Result(
            finished_at=now, status="succeeded", baseline=True, complete=True, requests=0, duration_seconds=0.0,
            rate_limit_left=None, counts={},
        )  # fmt: skip
        runs.publish(engine, lease, run_id, observed, result)
    [judged] = evaluate_orgs(engine, [], Rulebook(), clock=lambda: now, sleep=time.sleep)
    assert judged.error is None, judged.error
    engine.dispose()
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
