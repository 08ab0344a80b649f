"""Measure one organization: every way of reading it in a process of its own, several times, in turns."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from benchmarks.process import Cost, run
from benchmarks.sandbox import Sandbox

FLOOR, FIRST, UNCHANGED, ACTIVE, LOOP = "floor", "first", "unchanged", "active", "loop"
"""The ways of reading. `active` is an unchanged sync with the day's logins."""

VERSION = "version"
RUN_TABLES = frozenset({"orgs", "runs", "coverage", "audit", "evaluations"})
"""Where a run writes what every run records: its row, coverage, audit entry and evaluation, and which is the newest."""

MADE_OF_IT = frozenset({"classifications", "findings", "finding_events"})
"""What is made of what was read. A login is evidence, so that the day's activity may change it too."""

OWN_KEYS = 2
"""Where nobody else is active the two keys that read still are, and when they were used last is activity."""

_LOOP_PAGE = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """One process.

    `work` is what reading took, and what was done with what was read, up to the peak that this needed. `apart` is what
    classification and evaluation took, with the process's peak. `start_up` is all the rest: starting Python, loading
    modules, reading settings, opening or making the database, ending. `requests` is what the sandbox got.
    """

    work: Cost
    start_up: Cost
    requests: int
    apart: Mapping[str, Cost] = field(default_factory=dict)


@dataclass(slots=True)
class Figures:
    """What was measured of one organization with one size of pages: users, roles and permissions, or everything.

    `written` tells per way and table what the first measured run of that way wrote.
    """

    users: int
    page_size: int
    latency_ms: float
    everything: bool
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    written: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What these figures are about."""
        more = "everything, " if self.everything else ""
        return f"{self.users:,} users, {more}{self.latency_ms:g} ms latency, pages of {self.page_size:,}"

    def work(self, what: str) -> Cost | None:
        """The medians without start-up; None where this was not measured."""
        return _median([sample.work for sample in self.samples.get(what, [])])

    def start_up(self, what: str) -> Cost | None:
        """The medians of start-up; None where this was not measured."""
        return _median([sample.start_up for sample in self.samples.get(what, [])])

    def apart(self, what: str, part: str) -> Cost | None:
        """The medians of classification or evaluation; None where this was not measured."""
        return _median([sample.apart[part] for sample in self.samples.get(what, []) if part in sample.apart])

    def requests(self, what: str) -> int:
        """Requests of one process, as the sandbox counted them."""
        return round(median(sample.requests for sample in self.samples[what]))

    def stray_rows(self, what: str) -> dict[str, int]:
        """What an unchanged sync wrote, by table, other than its run and the day's activity."""
        touched = {
            table: counts["inserted"] + counts["updated"] + counts["deleted"]
            for table, counts in self.written[what].items()
        }
        if what == ACTIVE or touched.get("activity", 0) <= OWN_KEYS:
            touched.pop("activity", None)
        if what == ACTIVE:
            touched = {table: rows for table, rows in touched.items() if table not in MADE_OF_IT}
        return {table: rows for table, rows in touched.items() if rows and table not in RUN_TABLES}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and where.

    `everything_up_to` is the largest organization of which everything is read too. `database_url` names a server to
    make databases on; None for SQLite.
    """

    latency_ms: float
    page_sizes: Sequence[int]
    repeats: int
    everything_up_to: int
    with_loop: bool
    database_url: str | None
    folder: Path
    say: Callable[[str], None]


def measure(users: int, plan: Plan) -> Iterator[Figures]:
    """Figures per size of pages, then of reading everything, all behind one sandbox."""
    plan.say(f"{users:,} users: making the organization")
    with Sandbox(users, plan.page_sizes, plan.latency_ms, plan.folder) as sandbox:
        sets = [(page_size, False) for page_size in plan.page_sizes]
        if users <= plan.everything_up_to:
            sets.append((plan.page_sizes[0], True))
        for page_size, everything in sets:
            one = _Measurement(sandbox, plan, Figures(users, page_size, plan.latency_ms, everything))
            yield one.carry_out(with_loop=plan.with_loop and page_size == _LOOP_PAGE and not everything)


@dataclass(frozen=True, slots=True)
class _Measurement:
    sandbox: Sandbox
    plan: Plan
    figures: Figures
    asked: list[str] = field(default_factory=list)
    """The path and query of each request of the newest process."""

    def carry_out(self, *, with_loop: bool) -> Figures:
        self._warm_up()
        for repeat in range(self.plan.repeats):
            self._round(repeat)
        if with_loop:
            self._loop()
        return self.figures

    def _warm_up(self) -> None:
        """Once unmeasured, so that nobody pays for filled caches and compiled modules alone."""
        self._say("warming up")
        with self._database() as url:
            self._run("benchmarks.sync", (), "still", url)
        # The floor asks for the same, once each.
        self._paths().write_text("".join(f"{path}\n" for path in dict.fromkeys(self.asked)))
        self._floor()
        self._run("accesssync", ("--version",), "still")

    def _round(self, repeat: int) -> None:
        self._say(f"round {repeat + 1} of {self.plan.repeats}")
        self._keep(VERSION, self._run("accesssync", ("--version",), "still"))
        self._keep(FLOOR, self._floor())
        with self._database() as url:
            self._sync(FIRST, url, "still", look=repeat == 0)
            self._sync(UNCHANGED, url, "still", look=repeat == 0)
            self._sync(ACTIVE, url, "moving", look=repeat == 0)

    def _loop(self) -> None:
        """Once: it takes minutes, and in minutes chance evens out."""
        self._say("the official client's own loop")
        received = self._keep(LOOP, self._run("benchmarks.loop", (), "still"))
        if received != self.figures.users:
            raise RuntimeError(f"the loop saw {received:,} users of {self.figures.users:,}")

    def _floor(self) -> tuple[Sample, Any]:
        return self._run("benchmarks.floor", (str(self._paths()),), "still")

    def _paths(self) -> Path:
        return self.plan.folder / "paths"

    def _sync(self, what: str, url: str, kind: str, *, look: bool) -> None:
        """Sync once, and find out from outside what that wrote."""
        document = self._keep(what, self._run("benchmarks.sync", (), kind, url))
        counted = self.figures.samples[what][-1].requests
        if not document["complete"] or document["counts"]["users"] != self.figures.users:
            raise RuntimeError(f"the {what} sync was not complete: {document}")
        if document["requests"] != counted:
            raise RuntimeError(f"{document['requests']} requests told, {counted} came")
        changes = sum(document["changes"].values())
        if what != FIRST and changes:
            raise RuntimeError(f"the {what} sync told {changes:,} changes")
        if look:
            remembered = str(self.plan.folder / "rows")
            _, self.figures.written[what] = self._ask_database("rows", remembered, url)

    def _keep(self, what: str, ran: tuple[Sample, Any]) -> Any:
        sample, result = ran
        self.figures.samples.setdefault(what, []).append(sample)
        return result

    def _run(self, module: str, arguments: Sequence[str], kind: str, url: str | None = None) -> tuple[Sample, Any]:
        door = f"{kind}-{self.figures.page_size}"
        given = {"ACCESSSYNC_DATABASE_URL": url} if url else {}
        access = self.sandbox.access(door, everything=self.figures.everything)
        cost, document = run(module, arguments, {**access, **given}, self.plan.folder)
        wall, cpu = document.get("wall", 0.0), document.get("cpu", 0.0)
        apart = {name: Cost(one["wall"], one["cpu"], cost.peak_rss) for name, one in document.get("apart", {}).items()}
        beside = Cost(sum(one.wall for one in apart.values()), sum(one.cpu for one in apart.values()), cost.peak_rss)
        start_up = Cost(cost.wall - wall - beside.wall, cost.cpu - cpu - beside.cpu, cost.peak_rss)
        self.asked[:] = self.sandbox.asked(door)
        work = Cost(wall, cpu, document.get("peak", cost.peak_rss))
        return Sample(work, start_up, len(self.asked), apart), document.get("result")

    @contextmanager
    def _database(self) -> Iterator[str]:
        """The URL of a database that is not there yet, or is empty."""
        (self.plan.folder / "rows").unlink(missing_ok=True)
        if self.plan.database_url is None:
            path = self.plan.folder / "accesssync.db"
            try:
                yield f"sqlite:///{path}"
            finally:
                for each in self.plan.folder.glob(path.name + "*"):
                    each.unlink()
            return
        name = f"accesssync_bench_{uuid.uuid4().hex[:12]}"
        self._ask_database("create", name, self.plan.database_url)
        try:
            yield urlunsplit(urlsplit(self.plan.database_url)._replace(path=f"/{name}"))
        finally:
            self._ask_database("drop", name, self.plan.database_url)

    def _ask_database(self, command: str, name: str, url: str) -> tuple[Cost, dict[str, Any]]:
        return run("benchmarks.database", (command, name), {"ACCESSSYNC_DATABASE_URL": url}, self.plan.folder)

    def _say(self, what: str) -> None:
        self.plan.say(f"{self.figures.title}: {what}")


def _median(costs: Sequence[Cost]) -> Cost | None:
    if not costs:
        return None
    return Cost(
        median(one.wall for one in costs),
        median(one.cpu for one in costs),
        round(median(one.peak_rss for one in costs)),
    )
