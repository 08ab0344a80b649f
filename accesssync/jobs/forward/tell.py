"""Make the entries of what a run or an evaluation found, to be kept in the very transactions that store it.

Nothing here may end a sync: an entry that cannot be made as it should is made with ids alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from accesssync.errors import AccessSyncError
from accesssync.findings.severity import RANK
from accesssync.forward import alerts, events
from accesssync.forward.alerts import FindingNews, Involved, Verdict, Weights
from accesssync.forward.entry import Entry, Stream
from accesssync.forward.fit import fitted
from accesssync.forward.people import Person
from accesssync.forward.telling import About, told_body
from accesssync.jobs.forward.destinations import names_of
from accesssync.model.change import Change
from accesssync.model.role import Permission, Role
from accesssync.reach.tier import privileged_permissions, tier_of
from accesssync.settings import OrgSettings, Settings
from accesssync.store import subjects
from accesssync.store.engine import Database, translated
from accesssync.store.lease import Lease, writing
from accesssync.store.outbox import Queued, drop_old, drop_surplus, queue

CHUNK = 2_000


class Bounds(Struct, frozen=True):
    """How much of a stream may wait, for how many days, and for which destinations."""

    most: int
    days: int
    routes: tuple[str, ...]


class Telling(Struct, frozen=True):
    """Which streams of an organization are on, and what is the same for all that is told of it."""

    about: About
    streams: frozenset[str] = frozenset()
    bounds: Mapping[str, Bounds] = {}

    def on(self, stream: Stream) -> bool:
        """Whether a stream is on."""
        return stream.value in self.streams


def telling_of(settings: Settings, org: OrgSettings) -> Telling:
    """What the settings have told of an organization."""
    publishing = settings.publishing(org)
    about = About(org=org.name, site=org.site, personal=publishing.personal)
    bounds = {
        stream.value: Bounds(settings.forward_max_entries, settings.forward_max_age, names_of(settings, stream))
        for stream in (Stream.ALERTS, Stream.EVENTS)
        if stream.value in settings.forward_streams
    }
    return Telling(about, settings.forward_streams, bounds)


def tellings(settings: Settings) -> Callable[[str], Telling]:
    """What the settings have told of each organization, by its name; nothing of one that they do not name."""
    known = {org.name: telling_of(settings, org) for org in settings.organizations()}
    return lambda org: known.get(org) or silence(org)


def silence(org: str) -> Telling:
    """Nothing is told."""
    return Telling(About(org=org, site="datadoghq.com", personal=frozenset()))


def kept(entry: Entry) -> Queued:
    """An entry as the store keeps it."""
    return Queued(
        stream=entry.stream.value,
        dedup_id=entry.dedup_id,
        severity=len(RANK) - 1 - RANK[entry.severity],
        observed_at=entry.observed_at,
        body=fitted(entry.body).decode(),
    )


def _made(make: Callable[[], Entry | None], instead: Callable[[str], Entry]) -> Iterator[Queued]:
    try:
        entry = make()
        if entry is not None:
            yield kept(entry)
    except Exception as bug:  # noqa: BLE001 - what is told must not hinder what is stored
        yield kept(instead(type(bug).__name__))


def _bare(telling: Telling, stream: Stream, dedup_id: str, at: datetime, name: str, reason: str) -> Entry:
    body = told_body(f"{name} could not be told in full ({reason})", "medium", name, "bug", "unknown")
    return Entry(
        stream=stream, org=telling.about.org, dedup_id=dedup_id, observed_at=at, body=body, severity="medium"
    )  # fmt: skip


# Changes


def weights_of(roles: Iterable[Role], permissions: Sequence[Permission], tiers: dict[str, str] | None) -> Weights:
    """What weighs much in an organization with these roles and permissions."""
    listed = list(roles)
    privileged = privileged_permissions(listed, permissions, tiers)
    types = {one.id: one.display_type for one in permissions}
    tier = {one: tier_of(name, types.get(one), tiers)[:2] for one, name in privileged.items()}
    control = {one: name for one, name in privileged.items() if tier[one] == "T0"}
    carried = {role.id: sorted(control[one] for one in role.permission_ids if one in control) for role in listed}
    return Weights({role: tuple(names) for role, names in carried.items() if names}, tier)


class ChangeTeller:
    """What is told of the changes of a run, some at a time. `weights` is asked for once, when a change may matter."""

    def __init__(self, engine: Database, org_id: int, telling: Telling, weights: Callable[[], Weights]) -> None:
        self._engine = engine
        self._org_id = org_id
        self._telling = telling
        self._weights = weights
        self._known: Weights | None = None

    def __call__(self, some: Sequence[Change]) -> list[Queued]:
        matter = [one for one in some if alerts.may_matter(one)]
        if not matter:
            return []
        known = self._known = self._known or self._weights()
        involved = self._involved(matter, known)
        told: list[Queued] = []
        for one in matter:
            told += _made(
                partial(alerts.of_change, one, known, involved(one), self._telling.about),
                partial(_bare, self._telling, Stream.ALERTS, one.id, one.observed_before, one.kind),
            )
        return told

    def _involved(self, some: Sequence[Change], weights: Weights) -> Callable[[Change], Involved]:
        keys = [one.subject_id for one in some if one.kind.startswith("credential.")]
        of_keys = subjects.owners(self._engine, self._org_id, keys)
        people = {one.subject_id for one in some if one.kind.startswith(("identity.", "grant."))}
        people |= {owner for owner, _ in of_keys.values() if owner}
        named = subjects.named(self._engine, self._org_id, sorted(people))
        owning = sorted({owner for owner, _ in of_keys.values() if owner})
        admins = subjects.holders(self._engine, self._org_id, sorted(weights.admin_roles), owning)

        def involved(change: Change) -> Involved:
            if change.kind.startswith("credential."):
                owner, kind = of_keys.get(change.subject_id, (None, None))
                return Involved(_person(owner, named), owner in admins, kind)
            if change.kind.startswith(("identity.", "grant.")):
                gone = Person(change.subject_id, change.subject if "@" in change.subject else None)
                return Involved(_person(change.subject_id, named) if change.subject_id in named else gone)
            return Involved()

        return involved


def _person(who: str | None, named: dict[str, subjects.Named]) -> Person | None:
    if who is None:
        return None
    one = named.get(who)
    return Person(one.id, one.email, one.name) if one else Person(who)


# Who is not a person


def tell_verdicts(
    engine: Database, lease: Lease, telling: Telling, run_id: int, now: datetime, *, decided: frozenset[str], keys: bool
) -> None:
    """Queue, with a run under way, whom it finds not to be a person and whom somebody has to decide about.

    `decided` are those of whom people said what they are. Without `keys`, what could be seen of keys is not what it
    was, so that only those who are new are told of.
    """
    waiting: list[Queued] = []
    for one in subjects.relabelled(engine, lease.org_id, run_id, ("nhi", "review")):
        compared = one.new if one.before is None else keys and one.same_rules
        if not compared or one.who.id in decided:
            continue
        verdict = Verdict(
            person=Person(one.who.id, one.who.email, one.who.name),
            before=one.before,
            now="nhi" if one.now == "nhi" else "review",
            kind=one.kind,
            basis=one.basis,
            score=one.score,
            run_id=run_id,
            at=now,
            subject=one.who.email or one.who.name or one.who.id,
        )
        named = f"{verdict.person.id}.{verdict.now}.run-{run_id}"
        waiting += _made(
            partial(alerts.of_verdict, verdict, telling.about),
            partial(_bare, telling, Stream.ALERTS, named, now, "nhi"),
        )
        if len(waiting) >= CHUNK:
            _queue(engine, lease, waiting, now, run_id)
            waiting = []
    _queue(engine, lease, waiting, now, run_id)


def _queue(engine: Database, lease: Lease, some: Sequence[Queued], now: datetime, run_id: int) -> None:
    if some:
        with translated("the outbox cannot be written"), writing(engine, lease) as connection:
            queue(connection, lease.org_id, some, now, run_id=run_id)


# Findings


def told_of(news: FindingNews, telling: Telling) -> Iterator[Queued]:
    """The alert and the event of what became of a finding, as far as there are any and they are on."""
    makers = ((Stream.ALERTS, alerts.of_finding), (Stream.EVENTS, events.of_finding_news))
    for stream, make in makers:
        if telling.on(stream):
            named = f"{news.id}.{news.event}.{news.times}"
            yield from _made(
                partial(make, news, telling.about),
                partial(_bare, telling, stream, named, news.at, f"finding.{news.event}"),
            )


# Guards


def told_removals(telling: Telling, run_id: int, refused: Sequence[str], at: datetime) -> list[Queued]:
    """The event of removals that were refused; none where nothing was, or events are off."""
    if not refused or not telling.on(Stream.EVENTS):
        return []
    entry = events.of_refused_removals(telling.about.org, run_id, refused, at)
    return [kept(entry)]


def told_plan(telling: Telling, plan: str, rules: Sequence[str], at: datetime) -> list[Queued]:
    """The event of a plan that guards refuse; none where none does, or events are off."""
    if not rules or not telling.on(Stream.EVENTS):
        return []
    return [kept(events.of_refused_plan(telling.about.org, plan, rules, at))]


def keep_told(engine: Database, org_id: int, some: Sequence[Queued], now: datetime) -> None:
    """Queue what nothing else is stored with."""
    if some:
        with translated("the outbox cannot be written"), writing(engine) as connection:
            queue(connection, org_id, some, now)


def keep_within_bounds(engine: Database, org_id: int, telling: Telling, now: datetime) -> None:
    """Drop, counted, what is too much or too old, for those who queue and never deliver.

    Never raises an AccessSyncError: whoever delivers does it again.
    """
    with suppress(AccessSyncError):
        for stream, bounds in telling.bounds.items():
            drop_old(engine, org_id, stream, bounds.routes, now - timedelta(days=bounds.days))
            drop_surplus(engine, org_id, stream, bounds.routes, bounds.most)
