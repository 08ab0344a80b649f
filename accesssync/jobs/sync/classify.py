"""Say of every identity that holds who it is, where what was seen of it could change the answer."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from msgspec import UNSET, Struct

from accesssync.model.coverage import CoverageState, Resource
from accesssync.nhi.classify import Context, classify, context
from accesssync.nhi.inputs import inputs_digest
from accesssync.nhi.lexicon import Lexicon, base_lexicon
from accesssync.nhi.organization import mfa_tells, own_domains
from accesssync.nhi.verdict import subject_of
from accesssync.store import runs
from accesssync.store.classifications import (
    ClassificationWriter,
    candidates,
    current_labels,
    labels_of,
    owned_keys,
    people_by_domain,
    second_factors,
)
from accesssync.store.decisions import latest_decisions
from accesssync.store.engine import Database
from accesssync.store.governed import governed_now
from accesssync.store.lease import Lease

_KEYS = (Resource.APPLICATION_KEYS, Resource.ACCESS_TOKENS)


class Judging(Struct, frozen=True, kw_only=True):
    """What the operator said about telling people from machines. No domains: they are inferred."""

    lexicon: Lexicon | None = None
    org_domains: Collection[str] = ()


def classify_all(
    engine: Database,
    lease: Lease,
    run_id: int,
    judging: Judging,
    now: datetime,
    observed: Mapping[Resource, runs.Observed],
) -> tuple[str, ...]:
    """Classify every identity of a run under way; writes what differs from what is stored, and nothing else.

    Gives the domains that were taken for the organization's own.

    Memory is a page of identities and the names of the keys, however many identities there are.
    """
    used = context_of(engine, lease.org_id, judging, now)
    fingerprint = inputs_digest(used)
    known = any(_was_read(engine, lease.org_id, resource, observed) for resource in _KEYS)
    keys = owned_keys(engine, lease.org_id) if known else {}
    writer = ClassificationWriter(engine, lease, run_id)
    writer.end_gone()
    for one in candidates(engine, lease.org_id):
        subject = subject_of(one.identity, tuple(keys.get(one.identity.id, ())) if known else UNSET)
        inputs = fingerprint(subject)
        if one.inputs != inputs:
            writer.offer(one, inputs, classify(subject, used))
    writer.flush()
    return tuple(sorted(used.org_domains))


def context_of(engine: Database, org_id: int, judging: Judging, now: datetime) -> Context:
    """What is the same for everybody in an organization, as it is stored now."""
    lexicon = judging.lexicon or base_lexicon()
    domains = judging.org_domains or own_domains(people_by_domain(engine, org_id), lexicon)
    return context(now, lexicon=lexicon, org_domains=domains, mfa_tells=mfa_tells(*second_factors(engine, org_id)))


def _was_read(engine: Database, org_id: int, resource: Resource, observed: Mapping[Resource, runs.Observed]) -> bool:
    """Whether anything is known of a resource: from this run, or from an earlier one that proved it."""
    one = observed.get(resource)
    if one is not None and one.coverage.state in {CoverageState.COMPLETE, CoverageState.INCOMPLETE}:
        return True
    return runs.last_proven(engine, org_id, resource) is not None


def count_labels(engine: Database, org_id: int) -> dict[str, int]:
    """How many user records are no people, as the contract counts them: a person's decision before any score."""
    counts: Counter[tuple[bool, str]] = Counter(current_labels(engine, org_id))
    decided = {one: record.label for one, record in latest_decisions(engine, org_id).items()}
    declared = governed_now(engine, org_id).values()
    decided.update({one.id: one.decision.label for _, one in declared if one.decision is not None})
    for identity_id, (account, computed) in labels_of(engine, org_id, list(decided)).items():
        counts[account, computed] -= 1
        counts[account, decided[identity_id]] += 1
    accounts, users = counts[True, "nhi"], counts[False, "nhi"]
    review = counts[False, "review"] + counts[True, "review"]
    return {"total": accounts + users, "declared": accounts, "inferred": users, "review": review}
