"""What is told of a run under way, as far as alerts are on."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from accesssync.forward.alerts import Weights
from accesssync.forward.entry import Stream
from accesssync.jobs.forward.tell import ChangeTeller, Telling, tell_verdicts, weights_of
from accesssync.jobs.governance.directory import Governance
from accesssync.jobs.sync.drift import Look
from accesssync.model.coverage import Resource
from accesssync.store import inventory
from accesssync.store.decisions import latest_decisions
from accesssync.store.engine import Database
from accesssync.store.governed import governed_now
from accesssync.store.inventory import Moment
from accesssync.store.lease import Lease
from accesssync.store.runs import Observed

_KEYS = (Resource.APPLICATION_KEYS, Resource.ACCESS_TOKENS)
"""What is seen of keys bears on who is taken for a person."""


class RunNews(Struct, frozen=True):
    """What is told of one run. `now` is when it was compared."""

    engine: Database
    lease: Lease
    run_id: int
    telling: Telling
    governance: Governance
    now: datetime

    def teller(self) -> ChangeTeller | None:
        """Tells of its changes; None where nobody is to be told."""
        if not self.telling.on(Stream.ALERTS):
            return None
        return ChangeTeller(self.engine, self.lease.org_id, self.telling, self._weights)

    def tell_verdicts(self, before: Mapping[Resource, Look], observed: Mapping[Resource, Observed]) -> None:
        """Queue who is not a person and who has to be decided about, where the users were proven before.

        Else everybody who shows may have been there all along.
        """
        users = before.get(Resource.USERS)
        if not self.telling.on(Stream.ALERTS) or users is None or users.proven_at is None:
            return
        org_id = self.lease.org_id
        decided = set(latest_decisions(self.engine, org_id))
        decided |= {one.id for _, one in governed_now(self.engine, org_id).values() if one.decision is not None}
        tell_verdicts(
            self.engine,
            self.lease,
            self.telling,
            self.run_id,
            self.now,
            decided=frozenset(decided),
            keys=all(before[one].proven_at is not None for one in _KEYS if one in observed and one in before),
        )

    def _weights(self) -> Weights:
        """What weighs much in what this run has written so far."""
        moment = Moment(self.lease.org_id, self.run_id, self.now.date())
        roles = (role for role, _ in inventory.list_roles(self.engine, moment))
        tiers = self.governance.policy.of(self.telling.about.org).tiers
        return weights_of(roles, inventory.list_permissions(self.engine, moment), dict(tiers))
