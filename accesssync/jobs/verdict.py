"""Who is not a person, as read from the store: the evidence of a run under the decisions of people."""

from datetime import datetime
from typing import Any

from msgspec import Struct, to_builtins

from accesssync.model.when import as_text
from accesssync.nhi.classify import decided
from accesssync.nhi.reconsider import Grounds, reconsider
from accesssync.nhi.verdict import Classification
from accesssync.store.classifications import undetermined
from accesssync.store.decisions import DecisionRecord, latest_decisions
from accesssync.store.engine import Database
from accesssync.store.inventory import IdentityAt

Document = dict[str, Any]


class Rulings(Struct, frozen=True):
    """The decisions that count in one organization at one time, and that time."""

    by_id: dict[str, DecisionRecord]
    at: datetime


def rulings(engine: Database, org_id: int, at: datetime, until: datetime | None) -> Rulings:
    """The decisions that count, or that counted at `until`. `at` is the time by which reviews are due."""
    return Rulings(latest_decisions(engine, org_id, until), at)


def verdict_of(one: IdentityAt, known: Rulings) -> Document:
    """A classification as the contract writes it, with what was computed and what a person decided beside it."""
    found = one.classification or undetermined(service_account=bool(one.identity.service_account))
    record = known.by_id.get(one.identity.id)
    shown = decided(found, record.decision) if record else found
    return {
        "label": shown.label,
        "kind": shown.kind,
        "score": shown.score if one.classification else None,
        "basis": shown.basis,
        "signals": to_builtins(shown.signals),
        "kind_reason": shown.kind_reason,
        "computed": shown.computed,
        "ruleset": shown.ruleset or None,
        "decision": decision_document(record, found, known.at) if record else None,
    }


def decision_document(record: DecisionRecord, found: Classification | None, at: datetime) -> Document:
    """A decision with what the evidence said at that time; `review` says why to look at it again."""
    review: list[str] = []
    if found is not None:
        then = Grounds(record.computed, {one.id for one in record.signals})
        now = Grounds(found.computed, {one.id for one in found.signals})
        review = reconsider(then, now, record.review_by, at.date())
    return {
        "decided_at": as_text(record.decided_at),
        "decided_by": record.decided_by,
        "label": record.label,
        "kind": record.kind,
        "owner": record.owner,
        "purpose": record.purpose,
        "reason": record.reason,
        "review_by": record.review_by.isoformat() if record.review_by else None,
        "computed": record.computed,
        "score": record.score,
        "signals": to_builtins(record.signals),
        "ruleset": record.ruleset or None,
        "review": review,
    }
