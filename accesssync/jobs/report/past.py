"""What a report reads of an organization's whole history, once: who was there, able and privileged at which runs."""

from datetime import datetime
from functools import cached_property

from msgspec import Struct

from accesssync.jobs.inventory import View
from accesssync.reports.datasets.identities import type_of
from accesssync.reports.material import Material
from accesssync.reports.period.history import Names, Ran, Stay, Who
from accesssync.reports.period.machines import machines
from accesssync.reports.period.privilege import Holding, Powers, holdings, powers
from accesssync.reports.period.privileges import Powerful
from accesssync.reports.period.spans import Spans
from accesssync.store import runs, spans
from accesssync.store.engine import Database
from accesssync.store.kinds import IDENTITIES, PERMISSIONS, ROLES, Links
from accesssync.store.spans import Range
from accesssync.store.tables import permissions, roles, teams


def _links(links: Links | None) -> Links:
    if links is None:
        raise LookupError("these records hold no references")
    return links


GRANTS, CARRIED = _links(IDENTITIES.links), _links(ROLES.links)


class Past(Struct, frozen=True, kw_only=True, dict=True):
    """The history of one organization up to the run of a report."""

    engine: Database
    view: View
    material: Material
    kept_since: datetime | None
    """Before which time what had ended may have been deleted."""

    @cached_property
    def tries(self) -> tuple[Ran, ...]:
        """Every try to read the organization, oldest first, those after the run of the report included."""
        found = runs.list_runs(self.engine, self.view.org.id)
        newest = self.view.org.published_run_id or 0
        return tuple(
            Ran(
                id=one.id,
                started_at=one.started_at,
                finished_at=one.finished_at,
                published=not one.undone and one.id <= newest,
                proven=one.complete,
                baseline=one.baseline,
            )
            for one in found
        )

    @cached_property
    def runs(self) -> tuple[Ran, ...]:
        """The published runs up to that of the report whose state is still whole."""
        found = [one for one in self.tries if one.published and one.id <= self.view.run.id and one.finished_at]
        kept = [
            one for one in found if self.kept_since is None or (one.finished_at or one.started_at) >= self.kept_since
        ]
        return tuple(kept or found[-1:])

    @cached_property
    def stays(self) -> dict[str, tuple[Stay, ...]]:
        """When everybody was listed and able to act."""
        return spans.stays(self.engine, self.view.org.id, self.view.run.id)

    @cached_property
    def machines(self) -> dict[str, Spans]:
        """When somebody was taken for a machine."""
        labels = spans.labels(self.engine, self.view.org.id, self.view.run.id)
        return machines(self.stays, labels, self.runs, latest=self.view.latest)

    @cached_property
    def powers(self) -> Powers:
        """Which roles made privileged, and when."""
        everything = Range(self.view.org.id, 0, self.view.run.id)
        return powers(
            spans.versions(self.engine, ROLES, everything, "overlapping"),
            spans.links(self.engine, CARRIED, everything),
            spans.versions(self.engine, PERMISSIONS, everything, "overlapping"),
            self.material.picture.access.tiers,
        )

    @cached_property
    def holdings(self) -> dict[str, Holding]:
        """Who was privileged, and when."""
        everything = Range(self.view.org.id, 0, self.view.run.id)
        grants = spans.links(self.engine, GRANTS, everything, targets=sorted(self.powers.spans))
        return holdings(grants, self.stays, self.powers)

    @cached_property
    def powerful(self) -> Powerful:
        """How they became so."""
        return Powerful(self.powers, self.holdings, self.stays)

    @cached_property
    def names(self) -> Names:
        """How everybody and everything is called, those who have gone included."""
        org, last = self.view.org.id, self.view.run.id
        people = {one.id: Who(one.email, one.name, type_of(self.material, one)) for one in self.material.people}
        gone = {one[0]: one for one in spans.last_seen(self.engine, org, last) if one[0] not in people}
        taken_for = spans.last_labels(self.engine, org, sorted(gone))
        for identity_id, email, name, account in gone.values():
            label, basis = taken_for.get(identity_id, ("nhi", "declared") if account else ("unknown", "inferred"))
            people[identity_id] = Who(email, name, _type(label, basis))
        return Names(
            people=people,
            roles=spans.last_named(self.engine, roles, org, last),
            teams=spans.last_named(self.engine, teams, org, last),
            permissions=spans.last_named(self.engine, permissions, org, last),
        )


def _type(label: str, basis: str) -> str:
    if label == "nhi":
        return "service_account" if basis == "declared" else "nhi"
    return "nhi_suspected" if label == "review" else label
