"""Try another policy on the past: which findings it would have raised, and which not."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from accesssync.errors import UsageError
from accesssync.findings.evaluate import evaluate
from accesssync.findings.identify import fingerprint
from accesssync.findings.policy import PolicyFile
from accesssync.findings.severity import RANK
from accesssync.jobs.findings.picture import picture_at
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.governance.directory import read_policy_file
from accesssync.jobs.inventory import Document, View, chosen_orgs
from accesssync.model.when import AtRun, When
from accesssync.parse.letters import LARGEST
from accesssync.parse.problems import Problems
from accesssync.store import runs
from accesssync.store.engine import Database
from accesssync.store.inventory import Moment

MOST = 31
"""Runs that are looked at: the last of each day, and of more days some, evenly spread."""

OnRun = Callable[[str, int, int], None]


class _Seen(Struct):
    """A finding in the past: when, how often, and how it read last."""

    told: Document
    first: int
    last: int
    times: int = 0


def read_policy_of(path: Path) -> PolicyFile:
    """The policy of a file; InputError with every problem by its line."""
    problems = Problems()
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or 'input/output error'}") from error
    found = read_policy_file(content, path.name, problems)
    problems.raise_any()
    return found


def what_if(
    engine: Database, names: Sequence[str], policy: PolicyFile, rulebook: Rulebook, since: When | None, on_run: OnRun
) -> Iterator[Document]:
    """For each organization what `policy` would have raised since then and the present one did not, and the reverse.

    Every run is judged by its own time, with the people file and the decisions of today. Waivers are left out.
    """
    for org in chosen_orgs(engine, names):
        if org.published_run_id is None:
            continue
        chosen = _chosen(engine, org, since)
        would: dict[bytes, _Seen] = {}
        does: dict[bytes, _Seen] = {}
        for number, run in enumerate(chosen):
            on_run(org.name, number, len(chosen))
            view = View(org, run, Moment(org.id, run.id, _ended(run).date()))
            _look(engine, view, rulebook, policy, would)
            _look(engine, view, rulebook, rulebook.governance.policy, does)
        yield {
            "org": org.name,
            "runs": [f"run-{run.id}" for run in chosen],
            "would_open": _ordered(seen for key, seen in would.items() if key not in does),
            "would_not_open": _ordered(seen for key, seen in does.items() if key not in would),
            "in_both": len(would.keys() & does.keys()),
        }


def _chosen(engine: Database, org: runs.OrgRecord, since: When | None) -> list[runs.RunRecord]:
    published = [run for run in runs.list_runs(engine, org.id, published=True) if run.finished_at is not None]
    if isinstance(since, AtRun):
        published = [run for run in published if run.id > since.run_id]
    elif since is not None:
        published = [run for run in published if _ended(run) >= since.time]
    daily = list({_ended(run).date(): run for run in published}.values())
    if len(daily) <= MOST:
        return daily
    return [daily[round(at * (len(daily) - 1) / (MOST - 1))] for at in range(MOST)]


def _ended(run: runs.RunRecord) -> datetime:
    return run.finished_at or run.started_at


def _look(engine: Database, view: View, rulebook: Rulebook, policy: PolicyFile, into: dict[bytes, _Seen]) -> None:
    picture = picture_at(engine, view, rulebook, _ended(view.run), policy.of(view.org.name))
    found = evaluate(picture)
    for one in found.raised:
        key = fingerprint(view.org.name, one, found.versions[one.check])
        told = {"check": one.check, "severity": one.severity, "subject_id": one.subject_id, "subject": one.subject}
        seen = into.setdefault(key, _Seen(told, view.run.id, view.run.id))
        seen.told, seen.last, seen.times = {**told, "evidence": one.evidence}, view.run.id, seen.times + 1


def _ordered(found: Iterator[_Seen]) -> list[Document]:
    shown = [
        {**one.told, "first_run": f"run-{one.first}", "last_run": f"run-{one.last}", "runs": one.times} for one in found
    ]
    return sorted(shown, key=lambda one: (RANK[one["severity"]], one["check"], one["subject"], one["subject_id"]))
