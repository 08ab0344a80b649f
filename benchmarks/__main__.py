"""Measure a sync beside a floor and beside the official client's own loop, and print what came out."""

import argparse
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from benchmarks.machine import Neighbours, describe
from benchmarks.measure import Figures, Plan, measure
from benchmarks.process import ROOT
from benchmarks.publish import rewrite
from benchmarks.report import costs, tables, verdicts

DOCUMENT = ROOT / "docs" / "benchmarks.md"


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 0 also where a goal was missed, since that is a result."""
    options = _parser().parse_args(arguments)
    neighbours, day = Neighbours(), datetime.now(UTC).date().isoformat()
    every: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="accesssync-bench-") as folder:
        plan = Plan(
            latency_ms=options.latency_ms,
            page_sizes=options.page_size,
            repeats=options.repeats,
            everything_up_to=options.everything_up_to,
            with_loop=not options.skip_loop,
            database_url=options.database_url,
            folder=Path(folder),
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
        for users in options.sizes:
            for figures in measure(users, plan):
                plan.say(f"\n{costs(figures)}\n")
                every.append(figures)
    machine = f"{describe()}; {neighbours.describe()}"
    if options.database_url:
        machine += "; the database on a server, whose CPU is not counted"
    printed = tables(every)
    print(f"{machine}\n\n{printed}")
    if options.json:
        told = [{**asdict(one), "goals": [asdict(goal) for goal in verdicts(one)]} for one in every]
        document = {"schema": "accesssync.benchmark/1", "day": day, "machine": machine, "figures": told}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    if options.write_docs:
        rewrite(DOCUMENT, machine=machine, day=day, command=_command(arguments), tables=printed)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--sizes", type=_numbers, default=[1_000, 10_000, 100_000], metavar="N,...", help="users; default: %(default)s"
    )
    parser.add_argument("--latency-ms", type=float, default=20.0, help="wait before each answer; default: %(default)s")
    parser.add_argument(
        "--page-size",
        type=_numbers,
        default=[100, 1_000],
        metavar="N,...",
        help="the largest page that the sandbox serves and announces; default: %(default)s",
    )
    parser.add_argument("--repeats", type=int, default=3, help="of everything but the loop; default: %(default)s")
    parser.add_argument(
        "--everything-up-to",
        type=int,
        default=10_000,
        metavar="N",
        help="read all resources too, not only users, roles and permissions, of at most so many users; default: "
        "%(default)s",
    )
    parser.add_argument("--skip-loop", action="store_true", help="leave out the official client's own loop")
    parser.add_argument("--database-url", help="a PostgreSQL server to make databases on, instead of SQLite")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples to this file")
    parser.add_argument("--write-docs", action="store_true", help="renew the figures in docs/benchmarks.md")
    return parser


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.replace("_", "").split(",")]
    if not numbers or min(numbers) < 1:
        raise argparse.ArgumentTypeError("whole numbers from 1, separated by commas")
    return numbers


def _command(arguments: Sequence[str]) -> str:
    """How to measure this again; without what names files or servers."""
    kept: list[str] = []
    skip = False
    for each in arguments:
        name, equals, _ = each.partition("=")
        if skip or name in {"--json", "--database-url"}:
            skip = not skip and not equals
            continue
        kept.append(each)
    return shlex.join(["python", "-m", "benchmarks", *kept])


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    # The ordinary way out, so that processes end and files go.
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main(sys.argv[1:]))
