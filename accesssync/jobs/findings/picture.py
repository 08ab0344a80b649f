"""Join what the store and the rulebook know of one organization into the picture that checks look at."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from accesssync.findings.catalogue import BY_ID
from accesssync.findings.picture import Known, Picture
from accesssync.findings.policy import Policy
from accesssync.findings.waiver import COMMAND, Waiver
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.inventory import View
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.nhi.lexicon import base_lexicon
from accesssync.nhi.organization import own_domains
from accesssync.nhi.verdict import Decision
from accesssync.reach.access import Access
from accesssync.store import findings, inventory, runs, trail
from accesssync.store.classifications import people_by_domain
from accesssync.store.decisions import latest_decisions
from accesssync.store.engine import Database
from accesssync.store.governed import governed_at
from accesssync.store.picture import read_identities, read_known, read_recent_changes
from accesssync.trail.account import Account, Unseen

ASKED_ABOUT = ("AS-ID-13", "AS-ID-16", "AS-PRIV-04", "AS-ROLE-04", "AS-KEY-05", "AS-KEY-12", "AS-TRAIL-01")
"""The checks that look at changes of the last days."""

KINDS = ["grant.added", "role_permission.added", "identity.updated", "credential.updated"]


def picture_at(engine: Database, view: View, rulebook: Rulebook, at: datetime, policy: Policy | None = None) -> Picture:
    """One organization at a published run, judged at `at`. `policy` goes before the rulebook's own."""
    org, moment = view.org.name, view.moment
    chosen = policy if policy is not None else rulebook.governance.policy.of(org)
    domains = chosen.own_domains or tuple(rulebook.domains.get(org, ()))
    inferred = not domains
    since = _since(at, chosen)
    access = Access(
        at=at,
        identities=read_identities(engine, moment),
        roles=[role for role, _ in inventory.list_roles(engine, moment)],
        permissions=inventory.list_permissions(engine, moment),
        credentials=[one.credential for one in inventory.list_credentials(engine, moment)],
        teams=[team for team, _ in inventory.list_teams(engine, moment)],
        memberships=[membership for membership, _ in inventory.list_memberships(engine, moment)],
        tiers=chosen.tiers,
    )
    return Picture(
        org=org,
        at=at,
        access=access,
        coverage={one: seen.coverage for one, seen in runs.coverage_of(engine, view.run.id).items()},
        known=_known(engine, view, access.identities),
        mappings=[mapping for mapping, _ in inventory.list_mappings(engine, moment)],
        changes=read_recent_changes(engine, org, moment, since, KINDS),
        own_domains=own_domains(people_by_domain(engine, view.org.id), base_lexicon()) if inferred else domains,
        domains_inferred=inferred,
        people=rulebook.governance.people,
        policy=chosen,
        waivers=waivers_of(engine, view.org.id, rulebook),
        account=account_of(engine, view.org.id, view.run.id, min(since, _unseen_since(at, chosen))),
    )


def account_of(engine: Database, org_id: int, run_id: int, since: datetime) -> Account:
    """What the readings of the Audit Trail that began after a time are good for together."""
    kept = trail.list_events(engine, org_id, run_id, since)
    return Account(
        trail.readings(engine, org_id, run_id, since),
        joined=(change for one in kept for change in one.change_ids),
        unseen=(
            Unseen(
                id=one.id,
                at=one.at,
                action=one.action,
                actor=one.actor,
                asset_type=one.asset_type,
                subject_id=one.subject_id,
                subject=one.subject or one.subject_id,
                role_id=one.role_id,
            )
            for one in kept
            if one.unseen and one.subject_id is not None
        ),
    )


def waivers_of(engine: Database, org_id: int, rulebook: Rulebook) -> tuple[Waiver, ...]:
    """The waivers of the file, and those that were given by command."""
    given = (
        Waiver(
            owner=one.owner,
            reason=one.reason,
            approver=one.approver,
            expires=one.expires,
            finding=one.finding_id,
            source=COMMAND,
            id=f"waiver-{one.id}",
        )
        for one in findings.list_waivers(engine, org_id)
    )
    return (*rulebook.governance.waivers, *given)


def _unseen_since(at: datetime, policy: Policy) -> datetime:
    return at - timedelta(days={**BY_ID["AS-TRAIL-02"].defaults(), **policy.of("AS-TRAIL-02").parameters}["days"])


def _since(at: datetime, policy: Policy) -> datetime:
    spans = [{**BY_ID[one].defaults(), **policy.of(one).parameters}["days"] for one in ASKED_ABOUT]
    return at - timedelta(days=max(spans))


def _known(engine: Database, view: View, identities: Mapping[str, Identity]) -> Mapping[str, Known]:
    """Who everybody is taken for: what the evidence says, under what people decided, with the owners they declared."""
    found = read_known(engine, view.moment)
    for identity_id, entered in latest_decisions(engine, view.org.id, view.decided_until).items():
        if identity_id in identities:
            found[identity_id] = _decided(found.get(identity_id), entered.decision, entered.owner, entered.purpose)
    # What files say wins over what was entered by command; it is kept with the run that read them.
    for (resource, identity_id), said in governed_at(engine, view.moment).items():
        if resource != Resource.USERS.value or identity_id not in identities:
            continue
        known = found.get(identity_id)
        if said.decision is not None:
            known = _decided(known, said.decision.decision, None, None)
        if known is None:
            declared = bool(identities[identity_id].service_account)
            known = Known("nhi" if declared else "unknown", None, "declared" if declared else "inferred")
        found[identity_id] = replace(known, owner=said.owner or known.owner, purpose=said.purpose or known.purpose)
    return found


def _decided(known: Known | None, decision: Decision, owner: str | None, purpose: str | None) -> Known:
    kind = None if decision.label == "human" else decision.kind or (known.kind if known else None)
    score = known.score if known else 0
    return Known(decision.label, kind, "override", score, "decided by a person", owner, purpose)
