"""Make a plan of what was decided, with everything that stands against it; and judge one again before it is applied."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from accesssync.model.operation import Operation
from accesssync.provision.decide import Decided
from accesssync.provision.desired import Desired
from accesssync.provision.gateway import Caller
from accesssync.provision.guards import Limits, Spent, guard
from accesssync.provision.organization import Organization
from accesssync.provision.plan import VALID, VALID_WITH_APPROVAL, Action, Gauge, Plan, Refusal
from accesssync.provision.policy import Policy, approval_needed, permit, undone_by_saml


class Terms(Struct, frozen=True, kw_only=True):
    """Under which terms a plan is judged.

    `caller` is whose key would write, None where that could not be learned; `has_key` is False where none is set.
    `reader` is the user behind the key that reads. `spent` is what the last 24 hours used of the budgets.
    """

    policy: Policy
    limits: Limits = Limits()
    spent: Spent = Spent()
    caller: Caller | None = None
    has_key: bool = False
    reader: str | None = None
    unsettled: frozenset[str] = frozenset()
    """Chains of service accounts of which nobody knows whether they were made."""

    @property
    def ours(self) -> Mapping[str, str]:
        """The users behind our own keys, with what they are."""
        found = {}
        if self.reader is not None:
            found[self.reader] = "the key that reads"
        if self.caller is not None:
            found[self.caller.user_id] = "the provisioning key itself"
        return found


class Judged(Struct, frozen=True):
    """What stands against a plan, what a reader should know, and how close it comes to the guards."""

    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    gauges: tuple[Gauge, ...]

    @property
    def guarded(self) -> bool:
        """Whether a guard refuses."""
        return any(one.guard for one in self.refusals)


def judge(actions: tuple[Action, ...], org: Organization, terms: Terms) -> Judged:
    """Everything that stands against these actions, whoever put them into a plan."""
    known = terms.caller is not None or not terms.has_key
    guarded, gauges = guard(actions, org, terms.limits, terms.spent, terms.ours, caller_known=known)
    conflicts, warnings = undone_by_saml(actions, org, terms.policy)
    permitted = permit(actions, terms.policy, terms.caller, has_key=terms.has_key)
    doubts = [
        Refusal(
            rule="unknown_write",
            message=f"{one.why}: nobody knows yet whether {one.subject} was made before; sync, then provision resume",
            guard=True,
        )
        for one in actions
        if one.operation is Operation.CREATE_SERVICE_ACCOUNT and one.chain in terms.unsettled
    ]
    return Judged((*guarded, *doubts, *conflicts, *permitted), tuple(warnings), tuple(gauges))


def assemble(
    decided: Decided, org: Organization, terms: Terms, *, desired: Desired, author: str, now: datetime
) -> Plan:
    """The plan of actions that were decided by a file or otherwise."""
    judged = judge(decided.actions, org, terms)
    approval = approval_needed(decided.actions, terms.policy)
    return Plan(
        org=org.name,
        datadog_id=org.datadog_id,
        mode=desired.mode.value,
        source=desired.source,
        source_digest=desired.digest,
        author=author,
        created_at=now,
        expires_at=now + (VALID_WITH_APPROVAL if approval else VALID),
        run_id=org.run_id,
        seen_at=org.seen_at,
        snapshot=org.digest(),
        caller_id=terms.caller.user_id if terms.caller else None,
        caller=terms.caller.subject if terms.caller else None,
        approval=approval,
        actions=decided.actions,
        refusals=(*decided.refusals, *judged.refusals),
        warnings=(*decided.warnings, *judged.warnings),
        gauges=judged.gauges,
    )
