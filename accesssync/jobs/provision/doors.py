"""The ways to Datadog that provisioning has."""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from accesssync.jobs.opening import open_gateway, open_org, targets, terms
from accesssync.jobs.provision.terms import Doors
from accesssync.jobs.sync.run import World, sync_org
from accesssync.provision.gateway import Gateway
from accesssync.settings import OrgSettings, Settings
from accesssync.snapshot.source import Account
from accesssync.store.engine import Database

if TYPE_CHECKING:
    from accesssync.datadog.transport import Event


def doors(
    settings: Settings,
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
    on_event: "Callable[[Event], None]",
) -> Doors:
    """The doors of these settings. Nothing is opened yet."""

    def gateway(org: OrgSettings) -> Gateway:
        return open_gateway(settings, org, sleep=sleep, monotonic=monotonic, rng=rng, on_event=on_event)

    def account(org: OrgSettings) -> Account:
        source = open_org(settings, org, sleep=sleep, monotonic=monotonic, rng=rng, on_event=on_event)
        try:
            return source.account()
        finally:
            source.close()

    return Doors(gateway=gateway, account=account)


def observe_once(
    engine: Database,
    settings: Settings,
    org: OrgSettings,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
    by: str,
) -> None:
    """Sync one organization; raises where no run of it could be published."""
    [target] = targets(settings, [org.name], sleep=sleep, monotonic=monotonic, rng=rng, on_event=lambda _event: None)
    world = World(clock=clock, sleep=sleep, on_page=lambda _resource, _done, _total: None)
    synced = sync_org(engine, target, terms(settings, by=by), world)
    if synced.error is not None and (synced.run is None or synced.run.undone):
        raise synced.error
