"""Make plans, and access files to begin from."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, json
from msgspec.structs import replace

from accesssync.audit.entry import Entry, Kind
from accesssync.errors import InputError, UsageError
from accesssync.jobs.forward.tell import Telling, telling_of, told_plan
from accesssync.jobs.inventory import Document
from accesssync.jobs.provision.plan_file import read_file
from accesssync.jobs.provision.seen import organization
from accesssync.jobs.provision.terms import Doors, ask_caller, ask_reader, terms_of
from accesssync.parse.problems import Problems, did_you_mean
from accesssync.provision import access_file, export
from accesssync.provision.assemble import Terms, assemble
from accesssync.provision.decide import Decided, decide
from accesssync.provision.desired import Desired, Mode
from accesssync.provision.organization import Organization
from accesssync.provision.plan import Plan, digest_of, document
from accesssync.settings import OrgSettings, Settings
from accesssync.store import plans, runs
from accesssync.store.audit import append
from accesssync.store.engine import Database, translated
from accesssync.store.lease import writing

MOST = 10_000
"""Actions of a plan: they are begun in one transaction."""

Observe = Callable[[OrgSettings], None]
"""Sync an organization that was never seen; raises where nothing came of it."""


class Planned(Struct, frozen=True, kw_only=True):
    """A plan with its digest and its file's content. `people` counts whom the access file names."""

    plan: Plan
    digest: str
    content: bytes
    people: int = 0

    @property
    def guarded(self) -> bool:
        """Whether a guard refuses it."""
        return any(one.guard for one in self.plan.refusals)

    def document(self) -> Document:
        """The plan as the contract writes it."""
        return dict(document(self.plan))


def plan_from(
    engine: Database,
    settings: Settings,
    path: Path,
    asked: list[str],
    doors: Doors,
    observe: Observe,
    *,
    mode: Mode | None,
    author: str,
    now: datetime,
    only_adding: bool = False,
) -> Planned:
    """The plan that an access file asks for, stored. InputError with every problem of the file, before any request.

    `only_adding` leaves out, and warns about, whatever would take something away.
    """
    problems = Problems()
    draft = access_file.read_draft(read_file(path, access_file.LARGEST, "access file"), path.name, problems, mode=mode)
    org = _chosen(settings, draft, asked, problems)
    if problems.found() and _stored(engine, org) is None:
        problems.raise_any()
    seen = look(engine, org, observe) if org is not None else None
    if org is None or seen is None:
        raise InputError(problems.found())
    record, found = seen
    desired = access_file.resolve(draft, org.name, found.roles.values())
    problems.raise_any()
    terms = ask(engine, settings, org, record.id, doors, now)
    decided = decide(desired, found, now)
    if only_adding:
        decided = adding(decided)
    plan = assemble(decided, found, terms, desired=desired, author=author, now=now)
    people = len(desired.users) + len(desired.service_accounts) + len(desired.absent)
    return keep(engine, record, plan, people, telling_of(settings, org))


def organization_of(path: Path) -> str | None:
    """The organization that an access file says it is for; None where it does not say. Its faults are passed over."""
    content = read_file(path, access_file.LARGEST, "access file")
    return access_file.read_draft(content, path.name, Problems(), mode=None).org


def adding(decided: Decided) -> Decided:
    """What was decided without whatever takes something away."""
    kept = tuple(one for one in decided.actions if not one.removal)
    left = len(decided.actions) - len(kept)
    told = (f"{left:,} removals are left to a plan that somebody applies",) if left else ()
    numbered = tuple(replace(one, number=number) for number, one in enumerate(kept, start=1))
    return Decided(numbered, decided.refusals, (*decided.warnings, *told))


def plan_of(
    engine: Database,
    settings: Settings,
    org: OrgSettings,
    record: runs.OrgRecord,
    decided: Decided,
    found: Organization,
    doors: Doors,
    *,
    source: str,
    author: str,
    now: datetime,
) -> Planned:
    """The plan of actions that no access file asks for, stored."""
    desired = Desired(org=org.name, mode=Mode.ADDITIVE, source=source)
    terms = ask(engine, settings, org, record.id, doors, now)
    plan = assemble(decided, found, terms, desired=desired, author=author, now=now)
    return keep(engine, record, plan, 0, telling_of(settings, org))


def ask(engine: Database, settings: Settings, org: OrgSettings, org_id: int, doors: Doors, now: datetime) -> Terms:
    """The terms of a plan made now, with whose keys would be used."""
    caller, _reason = ask_caller(doors, org)
    reader = ask_reader(doors, org) if caller is not None else None
    return terms_of(engine, settings, org, org_id, now, caller=caller, reader=reader)


def keep(engine: Database, record: runs.OrgRecord, plan: Plan, people: int, telling: Telling) -> Planned:
    """Store a plan, so that it can be applied, and with it what is told of it where a guard refuses it."""
    if len(plan.actions) > MOST:
        raise UsageError(
            f"the plan has {len(plan.actions):,} actions, and {MOST:,} is the most for one",
            org=plan.org,
            remedy="divide the access file",
        )
    digest = digest_of(plan)
    content = json.format(json.encode(document(plan)), indent=2) + b"\n"
    facts = {"actions": len(plan.actions), "removals": plan.removals, "run_id": plan.run_id}
    plans.add_plan(
        engine,
        plan.org,
        plans.PlanRecord(
            digest=digest,
            org_id=record.id,
            author=plan.author,
            created_at=plan.created_at,
            expires_at=plan.expires_at,
            document=content.decode(),
            applied_at=None,
            applied_by=None,
        ),
        {**facts, "refused": sorted({one.rule for one in plan.refusals})},
        told_plan(telling, digest, [one.rule for one in plan.refusals if one.guard], plan.created_at),
    )
    return Planned(plan=plan, digest=digest, content=content, people=people)


def look(engine: Database, org: OrgSettings, observe: Observe) -> tuple[runs.OrgRecord, Organization]:
    """The organization as it is stored; looked at first where it never was."""
    record = _stored(engine, org)
    if record is None:
        observe(org)
        record = _stored(engine, org)
    if record is None:
        raise UsageError("nothing is stored yet", org=org.name, remedy="run: accesssync sync")
    return record, organization(engine, record)


def export_access(
    engine: Database, org: OrgSettings, observe: Observe, *, form: str, by: str, now: datetime
) -> tuple[Iterator[str], dict[str, Any]]:
    """The lines of an access file that describes an organization as it is, and what is in it."""
    record, found = look(engine, org, observe)
    skipped = export.left_out(found)
    counts = {"run_id": found.run_id, "left_out": len(skipped), "users": found.enabled, "form": form}
    entry = Entry(kind=Kind.REPORT_EXPORTED, at=now, actor=by, org=record.name, facts={"what": "access file", **counts})
    with translated("the export cannot be recorded"), writing(engine) as connection:
        append(connection, entry)
    lines = export.as_csv(found).splitlines() if form == "csv" else export.lines(found, skipped)
    return iter(lines), {**counts, "skipped": skipped}


def _stored(engine: Database, org: OrgSettings | None) -> runs.OrgRecord | None:
    """The organization where a run of it was published."""
    record = runs.find_org(engine, org.name) if org is not None else None
    return record if record is not None and record.published_run_id is not None else None


def _chosen(settings: Settings, draft: access_file.Draft, asked: list[str], problems: Problems) -> OrgSettings | None:
    """The organization that the file or the command names; None with a problem noted."""
    known = {org.name: org for org in settings.organizations()}
    names = {one.lower() for one in asked} or ({draft.org} if draft.org else set(known))
    if draft.org and asked and draft.org not in names:
        problems.add(draft.source, draft.org_line, f"org: the file is for {draft.org!r}, not for {', '.join(asked)}")
        return None
    if len(names) != 1:
        message = f"a CSV file does not say which organization it is for; give --org, one of {', '.join(known)}"
        problems.add(draft.source, draft.org_line, message)
        return None
    [name] = names
    if name not in known:
        hint = did_you_mean(name, known) or f"; configured: {', '.join(known)}"
        problems.add(draft.source, draft.org_line, f"org: no organization is called {name!r}{hint}")
        return None
    return known[name]
