"""Who is not a person, as read from the store: the evidence of a run under the decisions of people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from accesssync.jobs.governance.apply import record_of, says_the_same
from accesssync.jobs.governance.rules import Rules
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.model.when import as_text
from accesssync.nhi.classify import decided
from accesssync.nhi.reconsider import Grounds, reconsider
from accesssync.nhi.verdict import Classification
from accesssync.store.classifications import undetermined
from accesssync.store.decisions import DecisionRecord, latest_decisions
from accesssync.store.engine import Database
from accesssync.store.governed import Governed, Subject, governed_at
from accesssync.store.inventory import IdentityAt, Moment

Document = dict[str, Any]


class Ruling(Struct, frozen=True):
    """What people said of one identity: the decision that counts, who owns it and what for."""

    record: DecisionRecord | None = None
    owner: str | None = None
    purpose: str | None = None


class Rulings:
    """What people said that counts in one organization at one time: `at`, by which reviews are due.

    What is entered by command gives way to what the governance directory says. `rules` are its files as they are now,
    where they are asked for; otherwise what they said at that run counts.
    """

    def __init__(
        self,
        entered: Mapping[str, DecisionRecord],
        stored: Mapping[Subject, Governed],
        at: datetime,
        rules: Rules | None = None,
    ) -> None:
        self.at = at
        self._entered = entered
        self._stored = stored
        self._rules = rules

    def of(self, one: Identity, found: Classification) -> Ruling:
        """What counts for an identity, of which the evidence says `found`."""
        entered = self._entered.get(one.id)
        declared = self._declared(one, found, entered)
        record = declared.decision or entered
        return Ruling(
            record,
            declared.owner or (entered.owner if entered else None),
            declared.purpose or (entered.purpose if entered else None),
        )

    def of_credential(self, resource: str, credential_id: str, name: str | None) -> Ruling:
        """Who owns a credential, and what for; nobody decides whether it is a person."""
        if self._rules is not None:
            said = self._rules.said_of(resource, (credential_id, name))
            return Ruling(None, said.owner, said.purpose)
        stored = self._stored.get((resource, credential_id))
        return Ruling(None, stored.owner, stored.purpose) if stored else Ruling()

    def _declared(self, one: Identity, found: Classification, entered: DecisionRecord | None) -> Governed:
        users = Resource.USERS.value
        stored = self._stored.get((users, one.id))
        if self._rules is None:
            return stored or Governed(resource=users, id=one.id)
        said = self._rules.said_of(users, (one.id, one.email, one.handle))
        bare = Governed(resource=users, id=one.id, owner=said.owner, purpose=said.purpose)
        if said.decision is None:
            return bare
        before = stored.decision if stored else None
        if before is not None and says_the_same(said.decision, before):
            return replace(bare, decision=replace(before, owner=said.owner, purpose=said.purpose))
        return replace(bare, decision=record_of(said.decision, one.id, bare, found, entered, self.at))


def rulings(engine: Database, moment: Moment, at: datetime, until: datetime | None, rules: Rules | None) -> Rulings:
    """What counts, or what counted at `until`. `at` is the time by which reviews are due."""
    return Rulings(latest_decisions(engine, moment.org_id, until), governed_at(engine, moment), at, rules)


def evidence_about(one: IdentityAt) -> Classification:
    """What the evidence says of an identity; of one no run has classified yet, what Datadog declares."""
    return one.classification or undetermined(service_account=bool(one.identity.service_account))


def verdict_of(one: IdentityAt, ruling: Ruling, at: datetime) -> Document:
    """A classification as the contract writes it, with what was computed and what a person decided beside it."""
    found = evidence_about(one)
    record = ruling.record
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
        "decision": decision_document(record, found, at) if record else None,
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
        "source": "file" if record.declared else "command",
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
