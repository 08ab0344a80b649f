"""Put the files of the governance directory in force with a run, and note what the evidence says at that time."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from accesssync.jobs.governance.directory import Governance
from accesssync.jobs.governance.rules import Rules, Said
from accesssync.nhi.decisions import DecisionRule
from accesssync.nhi.verdict import Classification
from accesssync.store.classifications import undetermined
from accesssync.store.decisions import DecisionRecord, latest_decisions
from accesssync.store.engine import Database
from accesssync.store.governed import (
    Change,
    Governed,
    Named,
    Subject,
    everybody,
    evidence_of,
    governed_now,
    write_governed,
)
from accesssync.store.lease import Lease


class Applied(Struct, frozen=True, kw_only=True):
    """What the files came to in one organization.

    `decided`, `owned`: subjects with a decision, with an owner. `changed`: subjects of whom they say something else
    than at the run before. `silent`: patterns that match nothing, as `file:line: pattern`.
    """

    decided: int = 0
    owned: int = 0
    changed: int = 0
    silent: tuple[str, ...] = ()


def apply_governance(engine: Database, lease: Lease, run_id: int, governance: Governance, now: datetime) -> Applied:
    """Write what the files say of everybody, where it differs from what is stored; nothing where nothing does."""
    rules = Rules(governance, lease.org)
    stored = governed_now(engine, lease.org_id)
    if not rules and not stored:
        return Applied()
    said = _everything(engine, lease.org_id, rules) if rules else {}
    wanted = _with_grounds(engine, lease.org_id, said, stored, now)
    new = [one for subject, one in wanted.items() if subject not in stored or stored[subject][1] != one]
    ended = [key for subject, (key, one) in stored.items() if wanted.get(subject) != one]
    applied = Applied(
        decided=sum(one.decision is not None for one in wanted.values()),
        owned=sum(one.owner is not None for one in wanted.values()),
        changed=len(new) + sum(subject not in wanted for subject in stored),
        silent=tuple(rules.silent()),
    )
    counts = {"decided": applied.decided, "owned": applied.owned, "changed": applied.changed}
    facts = {**counts, "files": governance.digests}
    write_governed(engine, lease, run_id, Change(new=new, ended=ended, at=now, facts=facts))
    return applied


def _everything(engine: Database, org_id: int, rules: Rules) -> dict[Subject, tuple[Named, Said]]:
    found = {}
    for one in everybody(engine, org_id):
        said = rules.said_of(one.resource, one.texts)
        if said.owner or said.purpose or said.decision:
            found[one.resource, one.id] = (one, said)
    return found


def _with_grounds(
    engine: Database,
    org_id: int,
    said: dict[Subject, tuple[Named, Said]],
    stored: dict[Subject, tuple[int, Governed]],
    now: datetime,
) -> dict[Subject, Governed]:
    wanted: dict[Subject, Governed] = {}
    undecided: dict[Subject, tuple[Governed, DecisionRule]] = {}
    for subject, (_, one) in said.items():
        bare = Governed(resource=subject[0], id=subject[1], owner=one.owner, purpose=one.purpose)
        before = stored[subject][1].decision if subject in stored else None
        if one.decision is None:
            wanted[subject] = bare
        elif before is not None and says_the_same(one.decision, before):
            wanted[subject] = replace(bare, decision=replace(before, owner=one.owner, purpose=one.purpose))
        else:
            undecided[subject] = (bare, one.decision)
    if undecided:
        ids = [subject[1] for subject in undecided]
        evidence = evidence_of(engine, org_id, ids)
        entered = latest_decisions(engine, org_id)
        for subject, (bare, rule) in undecided.items():
            grounds = evidence.get(subject[1]) or undetermined(service_account=False)
            record = record_of(rule, subject[1], bare, grounds, entered.get(subject[1]), now)
            wanted[subject] = replace(bare, decision=record)
    return wanted


def says_the_same(rule: DecisionRule, record: DecisionRecord) -> bool:
    """Whether a decision is the same act as a stored one. An owner may change without anybody deciding anew."""
    return (rule.label, rule.kind, rule.by, rule.reason, rule.review_by) == (
        record.label,
        record.kind,
        record.decided_by,
        record.reason,
        record.review_by,
    )


def record_of(
    rule: DecisionRule,
    identity_id: str,
    said: Governed,
    grounds: Classification,
    entered: DecisionRecord | None,
    now: datetime,
) -> DecisionRecord:
    """A decision of a file as it is kept. One that was entered by command before, then moved to a file, keeps the
    evidence that it was made on."""
    if entered is not None and says_the_same(rule, entered):
        return replace(entered, owner=said.owner, purpose=said.purpose, declared=True)
    return DecisionRecord(
        identity_id=identity_id,
        decided_at=now,
        decided_by=rule.by,
        label=rule.label,
        kind=rule.kind,
        owner=said.owner,
        purpose=said.purpose,
        reason=rule.reason,
        review_by=rule.review_by,
        computed=grounds.computed,
        score=grounds.score,
        signals=grounds.signals,
        ruleset=grounds.ruleset,
        declared=True,
    )
