"""Install what shows and watches the published streams, and take it away again: per place that is published to."""

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from accesssync.audit.entry import Entry
from accesssync.audit.entry import Kind as Told
from accesssync.errors import AccessSyncError, AuthenticationError, ConfigurationError, DeniedError, UpstreamError
from accesssync.forward.install import Action, Difference, Step, decide, leftovers, ours
from accesssync.forward.marks import marked, read_marks
from accesssync.forward.objects import (
    NEEDED,
    Wanted,
    chosen_before,
    wanted_objects,
)
from accesssync.jobs.opening import open_to_write
from accesssync.model.installed import Body, Failed, Found, Kind
from accesssync.model.operation import Operation
from accesssync.settings import Publishing, Settings
from accesssync.store.audit import record

if TYPE_CHECKING:
    from accesssync.datadog.transport import Event

Log = Callable[[Entry], object]


class Place(Protocol):
    """What is asked of the organization that is published to; `datadog.install` implements it."""

    def find(self, kind: Kind) -> list[Found]:
        """Every object of a kind that carries our mark."""
        ...

    def create(self, kind: Kind, body: Body) -> Found | Failed:
        """A new object."""
        ...

    def replace(self, kind: Kind, known_as: str, body: Body) -> Found | Failed:
        """The object anew."""
        ...

    def delete(self, kind: Kind, known_as: str) -> Failed | None:
        """The object is gone."""
        ...


class Result(Struct, frozen=True, kw_only=True):
    """What came of one object. `outcome` is `done`, `would` (a dry run), `kept`, `skipped` or `failed`; `name` None
    stands for all of a kind."""

    kind: Kind
    name: str | None
    title: str | None
    action: Action | None
    outcome: str
    id: str | None = None
    reason: str | None = None
    differences: tuple[Difference, ...] = ()
    unsure: bool = False


class Report(Struct, frozen=True, kw_only=True):
    """What came of one place that is published to. `site` is its URL where it is not the site's own."""

    site: str
    orgs: tuple[str, ...]
    results: tuple[Result, ...]


class Target(Struct, frozen=True, kw_only=True):
    """One place that is published to, and the observed organizations that are published there."""

    publishing: Publishing
    orgs: tuple[str, ...]
    allowed: frozenset[Operation]


class Ask(Struct, frozen=True, kw_only=True):
    """What the operator wants. `handles` and `stale_hours` None: as it is installed now."""

    handles: tuple[str, ...] | None = None
    stale_hours: int | None = None
    dry_run: bool = False
    remove: bool = False


def places(settings: Settings, names: Sequence[str]) -> list[Target]:
    """Where the organizations are published; several may share one place.

    ConfigurationError where a key is missing that would be used: where nothing may be installed, none is.
    """
    found: dict[tuple[object, ...], Target] = {}
    for org in settings.organizations(list(names)):
        where = settings.publishing(org)
        if _may_install(where.allowed) and (where.app_key is None or where.api_key is None):
            variable = "ACCESSSYNC_FORWARD__APP_KEY" if where.app_key is None else f"{where.prefix}API_KEY"
            raise ConfigurationError(
                f"{variable} is not set, and nothing can be installed without it",
                org=org.name,
                remedy=f"set {variable}; accesssync check names the scopes it needs",
            )
        key = (where.site, where.api_url, where.api_key, where.app_key)
        known = found.get(key)
        if known is None:
            found[key] = Target(publishing=where, orgs=(org.name,), allowed=where.allowed)
        else:
            found[key] = replace(known, orgs=(*known.orgs, org.name), allowed=known.allowed | where.allowed)
    return list(found.values())


def _may_install(allowed: frozenset[Operation]) -> bool:
    return not allowed.isdisjoint(NEEDED.values())


def install(
    settings: Settings,
    names: Sequence[str],
    ask: Ask,
    *,
    by: str,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
    on_event: "Callable[[Event], None]",
) -> list[Report]:
    """Do what is asked wherever the organizations are published. What is not allowed or refused is told, not raised.

    Raises AuthenticationError for keys that are not accepted, ConfigurationError and UsageError.
    """
    from accesssync.datadog.install import open_installer
    from accesssync.jobs.opening import bounds

    wanted_objects(ask.handles or ())
    targets = places(settings, names)
    engine = None if ask.dry_run else open_to_write(settings)
    log: Log = (lambda _entry: None) if engine is None else (lambda entry: record(engine, entry))
    reports = []
    for target in targets:
        where = target.publishing
        shown = where.site if where.api_url is None else where.api_url
        if not _may_install(target.allowed):
            refused = tuple(_not_allowed(kind, target) for kind in NEEDED)
            reports.append(Report(site=shown, orgs=target.orgs, results=refused))
            continue
        assert where.api_key is not None  # noqa: S101 - places has seen to it
        assert where.app_key is not None  # noqa: S101
        installer = open_installer(
            org=where.org,
            site=where.site,
            api_key=where.api_key,
            app_key=where.app_key,
            allowed=target.allowed,
            setting=where.setting,
            api_url=where.api_url,
            allow_other_host=settings.allow_other_host,
            limits=bounds(settings),
            sleep=sleep,
            clock=monotonic,
            rng=rng,
            on_event=on_event,
        )
        try:
            results = Visit(installer, target, ask, by=by, now=now, log=log).run()
        finally:
            installer.close()
        reports.append(Report(site=shown, orgs=target.orgs, results=tuple(results)))
    return reports


class Visit:
    """One place: look at everything first, then write, with an audit entry before and after."""

    def __init__(
        self, place: Place, target: Target, ask: Ask, *, by: str, now: Callable[[], datetime], log: Log
    ) -> None:
        self._place = place
        self._target = target
        self._ask = ask
        self._by = by
        self._now = now
        self._log = log

    def run(self) -> list[Result]:
        """What came of every object, in the order of their kinds."""
        found: dict[Kind, list[Found]] = {}
        skipped: list[Result] = []
        for kind, operation in NEEDED.items():
            looked = self._look(kind, operation)
            if isinstance(looked, Result):
                skipped.append(looked)
            else:
                found[kind] = looked
        steps = self._removals(found) if self._ask.remove else self._steps(found)
        if self._ask.dry_run:
            return [*(_result(step, "kept" if step.action is Action.KEEP else "would") for step in steps), *skipped]
        todo = [step for step in steps if step.action is not Action.KEEP]
        results = [_result(step, "kept") for step in steps if step.action is Action.KEEP]
        if todo:
            self._tell(Told.INSTALL_INTENDED, {"steps": [_told(step) for step in todo]})
            done = [self._do(step) for step in todo]
            counts = {outcome: sum(one.outcome == outcome for one in done) for outcome in ("done", "skipped", "failed")}
            self._tell(Told.INSTALL_DONE, counts)
            results += done
        order = list(NEEDED)
        return [*sorted(results, key=lambda one: order.index(one.kind)), *skipped]

    def _look(self, kind: Kind, operation: Operation) -> list[Found] | Result:
        """What there is of a kind; or why it is left alone."""
        if operation not in self._target.allowed:
            return _not_allowed(kind, self._target)
        try:
            return self._place.find(kind)
        except AuthenticationError:
            raise
        except DeniedError as error:
            return _of_kind(kind, "skipped", f"the publishing key may not read them: it needs {error.permission}")
        except UpstreamError as error:
            refused = 400 <= getattr(error, "status", 0) < 500 and getattr(error, "status", 0) not in (408, 429)
            return _of_kind(kind, "skipped" if refused else "failed", error.message)

    def _steps(self, found: dict[Kind, list[Found]]) -> list[Step]:
        telling = [*found.get(Kind.MONITOR, ()), *found.get(Kind.DETECTION_RULE, ())]
        before = chosen_before({name: one.body for name, one in ours(telling).items()})
        handles = before.handles if self._ask.handles is None else self._ask.handles
        wanted = wanted_objects(handles, self._ask.stale_hours or before.stale_hours)
        steps = []
        for kind, there in found.items():
            steps += decide([one for one in wanted if one.kind is kind], there)
            names = {one.name for one in wanted if one.kind is kind}
            gone = [one for name, one in ours(there).items() if name not in names]
            steps += [_removal(kind, one) for one in (*gone, *leftovers(there))]
        return steps

    def _removals(self, found: dict[Kind, list[Found]]) -> list[Step]:
        return [
            _removal(kind, one)
            for kind, there in reversed(found.items())
            for one in (*ours(there).values(), *leftovers(there))
        ]

    def _do(self, step: Step) -> Result:
        try:
            return self._done(step)
        except AccessSyncError as error:
            return _result(step, "failed", reason=error.message)

    def _done(self, step: Step) -> Result:
        kind, wanted = step.wanted.kind, step.wanted
        if step.action is Action.REMOVE:
            failed = self._place.delete(kind, step.id or "")
            return _result(step, "done") if failed is None else _refused(step, failed)
        known_as = step.id
        if known_as is None:
            made = self._place.create(kind, marked(kind, wanted.name, wanted.body))
            if isinstance(made, Failed) and made.unsure:
                # Nothing is made twice: it may be there in spite of the answer.
                made = ours(self._place.find(kind)).get(wanted.name, made)
            if isinstance(made, Failed):
                return _refused(step, made)
            known_as = made.id
        saved = self._place.replace(kind, known_as, marked(kind, wanted.name, wanted.body, known_as))
        step = replace(step, id=known_as)
        if isinstance(saved, Failed):
            return _refused(step, saved)
        marks = read_marks(saved.body)
        if marks is None or marks.name != wanted.name:
            return _result(step, "failed", reason="Datadog did not keep its mark: take it away by hand")
        return _result(step, "done")

    def _tell(self, kind: Told, facts: dict[str, Any]) -> None:
        where = self._target.publishing
        self._log(Entry(kind=kind, at=self._now(), actor=self._by, org=where.org, facts={"site": where.site, **facts}))


def _removal(kind: Kind, found: Found) -> Step:
    marks = read_marks(found.body)
    name = marks.name if marks and marks.name else found.id
    return Step(Action.REMOVE, Wanted(kind, name, found.body), found.id)


def _told(step: Step) -> dict[str, Any]:
    return {"action": step.action.value, "kind": step.wanted.kind.value, "name": step.wanted.name, "id": step.id}


def _result(step: Step, outcome: str, reason: str | None = None, *, unsure: bool = False) -> Result:
    return Result(
        kind=step.wanted.kind,
        name=step.wanted.name,
        title=step.wanted.title,
        action=step.action,
        outcome=outcome,
        id=step.id,
        reason=reason,
        differences=step.differences,
        unsure=unsure,
    )


def _refused(step: Step, failed: Failed) -> Result:
    return _result(step, "skipped" if failed.refused else "failed", failed.reason, unsure=failed.unsure)


def _not_allowed(kind: Kind, target: Target) -> Result:
    reason = f"{NEEDED[kind]} is not allowed: add it to {target.publishing.setting}"
    return _of_kind(kind, "skipped", reason)


def _of_kind(kind: Kind, outcome: str, reason: str) -> Result:
    return Result(kind=kind, name=None, title=None, action=None, outcome=outcome, reason=reason)
