"""Look, between two syncs, for new holders of the most harmful permissions and for new keys.

A few requests: whose keys these are, the roles, the holders of each role that carries a permission of tier T0, the
keys made since the last sync. Nothing of it becomes a fact: half a look must not be published as a whole one. What is
seen and not known calls for a sync, which proves it and tells it with its window, as any other change.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from msgspec import Struct

from accesssync.errors import DeniedError, RefusedError
from accesssync.model.credential import Credential
from accesssync.model.identity import Identity
from accesssync.model.role import Role
from accesssync.reach.tier import tier_of
from accesssync.snapshot.source import Account, Listing, R
from accesssync.store import inventory, runs, sightings
from accesssync.store.engine import Database
from accesssync.store.sightings import Sighting

PAGE = 100
MOST_PAGES = 100
"""Of one listing: ten thousand administrators are not watched one by one."""

CLOCKS = timedelta(hours=1)
"""How far Datadog's clock and ours may be apart without a key being overlooked."""


class Watchable(Protocol):
    """What has to be readable."""

    def account(self) -> Account: ...
    def roles(self) -> Listing[Role]: ...
    def role_holders(self, role_id: str) -> Listing[Identity]: ...
    def keys_made_since(self, since: datetime) -> list[Listing[Credential]]: ...


class Watched(Struct, frozen=True, kw_only=True):
    """What came of one look. `known` is False where no sync has published anything to compare with."""

    known: bool
    new: list[Sighting]
    roles: int = 0
    denied: tuple[str, ...] = ()


def watch(engine: Database, name: str, source: Watchable, now: datetime) -> Watched:
    """Look once. Raises what reading raises; what may not be read of the keys is passed over and named."""
    org = runs.find_org(engine, name)
    published = runs.last_run(engine, org.id, published=True) if org else None
    if org is None or published is None:
        return Watched(known=False, new=[])
    account = source.account()
    if org.datadog_id and account.org_id and org.datadog_id != account.org_id:
        raise RefusedError(
            f"the keys belong to the Datadog organization {account.org_name or account.org_id}",
            org=name,
            remedy="correct the keys, or give this organization another name in the settings",
        )
    look = _Look(engine=engine, org_id=org.id, run=published, source=source, now=now)
    harmful, seen = look.holders()
    keys, denied = look.keys()
    return Watched(
        known=True, new=sightings.record(engine, org.id, seen + keys), roles=len(harmful), denied=tuple(denied)
    )


class _Look(Struct, frozen=True, kw_only=True):
    engine: Database
    org_id: int
    run: runs.RunRecord
    source: Watchable
    now: datetime

    def holders(self) -> tuple[list[Role], list[Sighting]]:
        """The harmful roles, and who holds one of them without the published run knowing of it."""
        moment = inventory.Moment(self.org_id, self.run.id, self.now.date())
        worst = {
            one.id
            for one in inventory.list_permissions(self.engine, moment)
            if one.name is not None and tier_of(one.name, one.display_type) == "T0"
        }
        harmful = [role for role in _all(self.source.roles()) if worst & set(role.permission_ids or ())]
        ids = [role.id for role in harmful]
        before = sightings.published_holders(self.engine, self.org_id, self.run.id, ids)
        carried = sightings.roles_carrying(self.engine, self.org_id, self.run.id, worst)
        seen = []
        for role in harmful:
            for one in _all(self.source.role_holders(role.id)):
                # A role that became harmful makes all of its holders new ones.
                if role.id in carried and (role.id, one.id) in before:
                    continue
                who = one.name or one.email or one.id
                seen.append(self._sighting("holder", f"{role.id}:{one.id}", f"{who} with {role.name or role.id}"))
        return harmful, seen

    def keys(self) -> tuple[list[Sighting], list[str]]:
        """Keys that the published run does not know, and what of them may not be read."""
        seen, denied = [], []
        for listing in self.source.keys_made_since(self.run.started_at - CLOCKS):
            kind = str(listing.resource).removesuffix("s")
            try:
                found = list(_all(listing))
            except DeniedError as error:
                denied.append(f"{listing.resource} needs {error.permission}")
                continue
            known = sightings.published_keys(self.engine, self.org_id, self.run.id, [one.id for one in found])
            seen += [
                self._sighting(kind, one.id, f"the new {kind.replace('_', ' ')} {one.name or one.id}")
                for one in found
                if one.id not in known
            ]
        return seen, denied

    def _sighting(self, kind: str, identifier: str, text: str) -> Sighting:
        return Sighting(kind=kind, id=identifier, text=text, seen_at=self.now)


def _all(listing: Listing[R]) -> Iterator[R]:
    """Every record that the pages of a listing show, each once. Nothing is proven by it."""
    seen: set[str] = set()
    for number in range(MOST_PAGES):
        page = listing.fetch(number, PAGE)
        new: list[Any] = [record for record in page.records if record.id not in seen]
        seen.update(record.id for record in new)
        yield from new
        if not new or not listing.paged or len(page.records) < min(PAGE, page.max_size or PAGE):
            return
