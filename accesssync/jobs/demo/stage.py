"""What an act of the demonstration has at hand: a served organization, a database, and the real sync."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from random import Random

from msgspec import Struct
from pydantic import SecretStr

from accesssync.errors import AccessSyncError
from accesssync.jobs.changes import changes
from accesssync.jobs.inventory import identities, views
from accesssync.jobs.opening import targets, terms
from accesssync.jobs.sync.collect import OnPage
from accesssync.jobs.sync.run import Synced, World, sync_org
from accesssync.model.change import Change
from accesssync.model.operation import Operation
from accesssync.model.when import AtRun
from accesssync.sandbox import Organization, SandboxServer
from accesssync.settings import OrgForm, Settings
from accesssync.store.engine import Database

ORG = "demo"
WRITES = frozenset({Operation.CREATE_USER, Operation.GRANT_ROLE, Operation.SEND_INVITATION})
"""What the demonstration may write."""

Figure = int | float | str | bool | list[int]


class Act(Struct, frozen=True, kw_only=True):
    """What one act showed: lines for people and the figures behind them, all of them measured.

    `kept` says whether what was promised came true. `loud` are changes worth showing one by one.
    """

    name: str
    kept: bool
    said: tuple[str, ...]
    figures: Mapping[str, Figure]
    loud: tuple[Change, ...] = ()


class Surroundings(Struct, frozen=True, kw_only=True):
    """Time, chance and the screen."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    rng: Random
    on_page: OnPage


class Stage:
    """The organization is changed through `organization`, disturbed through `server`, observed with `sync`."""

    def __init__(self, engine: Database, settings: Settings, server: SandboxServer, surroundings: Surroundings) -> None:
        self.engine = engine
        self.server = server
        self.rng = surroundings.rng
        self.settings = settings
        self.surroundings = surroundings

    @property
    def organization(self) -> Organization:
        """The truth that the server serves."""
        return self.server.organization

    @property
    def reader(self) -> str:
        """The id of the user whose application key is used."""
        keys = self.organization.app_keys.values()
        return next(key.owner_id for key in keys if key.secret == self.server.app_key)

    @property
    def now(self) -> datetime:
        """The time of day."""
        return self.surroundings.clock()

    def sync(self, *, forgiving: type[AccessSyncError] | None = None) -> Synced:
        """One run, exactly as the command makes it. Its error is raised unless it is a `forgiving` one."""
        around = self.surroundings
        target = targets(
            self.settings,
            [ORG],
            sleep=around.sleep,
            monotonic=around.monotonic,
            rng=around.rng,
            on_event=lambda _event: None,
        )[0]
        world = World(clock=around.clock, sleep=around.sleep, on_page=around.on_page)
        synced = sync_org(self.engine, target, terms(self.settings), world)
        if synced.error is not None and not (forgiving and isinstance(synced.error, forgiving)):
            raise synced.error
        return synced

    def changes(self, synced: Synced) -> list[Change]:
        """What a run reported, as `accesssync changes` reads it."""
        if synced.run is None or synced.previous_run is None:
            return []
        after, until = AtRun(synced.previous_run), AtRun(synced.run.id)
        return list(changes(self.engine, [ORG], since=after, until=until, baseline=False))

    def labels(self) -> dict[str, str]:
        """What everybody is taken for, by id, as `accesssync identities` reads it."""
        shown = views(self.engine, [ORG], None, lambda _error: None)
        return {one["id"]: one["classification"]["label"] for view in shown for one in identities(self.engine, view)}


def settings_for(server: SandboxServer, database: Path) -> Settings:
    """Settings that lead to this server and this file, whatever the environment says."""
    form = OrgForm(
        api_key=SecretStr(server.api_key),
        app_key=SecretStr(server.app_key),
        provision_app_key=SecretStr(server.provision_app_key) if server.provision_app_key else None,
        allowed_operations=WRITES,
        api_url=server.url,
    )
    return Settings(orgs={ORG: form}, database_url=SecretStr(f"sqlite:///{database}"))


def removals(found: list[Change]) -> int:
    """How many records a run took for gone."""
    return sum(change.kind.endswith(".removed") for change in found)
