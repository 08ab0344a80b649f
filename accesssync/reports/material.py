"""One organization at one published run, as everything in a report is made from it. Pure: read once, told often."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

from msgspec import Struct

from accesssync.findings.picture import MANAGED, Picture
from accesssync.model.change import Change
from accesssync.model.coverage import CoverageState, Resource
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.role import Role
from accesssync.reach.credential import actors, granted
from accesssync.reports.holding import Holding, Holdings

Subject = tuple[str, str]
"""The kind and the id of what a finding is about."""


class Seen(Struct, frozen=True):
    """When something was first seen. With `baseline` it was there before anybody looked."""

    at: datetime | None
    baseline: bool


class FindingAt(Struct, frozen=True, kw_only=True):
    """A finding as it stood at the run. Its severity and its evidence are those that it was last told with."""

    id: str
    check: str
    severity: str
    status: str
    """`open`, `waived` or `resolved`."""
    reopened: int
    subject_kind: str
    subject_id: str
    subject: str
    evidence: Mapping[str, Any]
    opened_at: datetime
    last_seen_at: datetime | None
    resolved_at: datetime | None
    resolved_because: str | None
    waiver: Mapping[str, Any] | None
    waived_until: date | None
    cause: str


class Explained(Struct, frozen=True):
    """By whom a grant was made and why, where that is known."""

    actor: str | None
    explanation: str | None


class Attempt(Struct, frozen=True, kw_only=True):
    """A write to Datadog that was planned, and what came of it."""

    id: int
    plan: str | None
    operation: str
    subject: str
    subject_id: str | None
    requested_by: str
    requested_at: datetime
    approved_by: tuple[str, ...]
    action: Mapping[str, Any]
    state: str
    done: bool | None
    detail: str | None
    sent_at: datetime | None
    ended_at: datetime | None
    http_status: int | None


class Look(Struct, frozen=True, kw_only=True):
    """What one run did with one resource. A run that ended before it listed anything has no resource."""

    run_id: int
    started_at: datetime
    finished_at: datetime | None
    status: str
    published: bool
    complete: bool
    error: str | None
    program_version: str
    resource: str | None
    state: str | None
    received: int | None
    expected: int | None
    passes: int | None
    degraded: int | None
    reason: str | None


class Material(Struct, frozen=True, kw_only=True, dict=True):
    """Everything that is known of one organization at one run.

    `at` is the end of the run: every age is measured from it, so that the same run gives the same report tomorrow.
    Whatever is a function is read anew from the store at every call.
    """

    org: str
    run_id: int
    at: datetime
    latest: bool
    """Whether it is the newest that is known, so that what people decided since the run counts as well."""
    picture: Picture
    seen: Mapping[int, Seen]
    """Runs by number."""
    first_runs: Mapping[str, int]
    """The run that saw each identity first, by its id."""
    role_runs: Mapping[str, int]
    """The run that saw each role first, by its id."""
    grant_runs: Mapping[str, Mapping[str, int]]
    """The run that saw each grant begin, by identity and role. Those who share the answer share the map."""
    permission_runs: Mapping[str, Mapping[str, int]]
    """The run since which each role carries each permission, by the ids of both."""
    reasons: Mapping[str, tuple[str, ...]]
    """What speaks for a machine, by identity; only of those who may be one."""
    answers_for: Mapping[tuple[str, str], tuple[str | None, str | None]]
    """Who owns a credential and what for, by resource and id."""
    reviews_due: Mapping[str, date]
    """Until when a decision about an identity is to be looked at again."""
    explained: Mapping[tuple[str, str], Explained]
    """What is known of how a grant came about, by identity and role."""
    findings: Callable[[], Iterator[FindingAt]]
    changes: Callable[[], Iterator[Change]]
    attempts: Callable[[], Iterator[Attempt]]
    looks: Callable[[], Iterator[Look]]
    ruleset: str
    ticketed: frozenset[str] = frozenset()
    """The changes that people explained, by their id."""
    since: datetime
    """From when on changes and runs are told of."""
    all_permissions: bool = False
    """Whether every permission of everybody is wanted, not only what makes privileged."""

    @cached_property
    def people(self) -> list[Identity]:
        """Every identity, people and machines, by e-mail."""
        everybody = self.picture.access.identities.values()
        return sorted(everybody, key=lambda one: ((one.email or "").casefold(), one.id))

    @cached_property
    def roles(self) -> list[Role]:
        """Every role by name."""
        return sorted(self.picture.access.roles.values(), key=lambda one: (one.subject.casefold(), one.id))

    @cached_property
    def holdings(self) -> Holdings:
        """What each set of roles amounts to."""
        return Holdings(self.picture.access, self.permission_runs)

    def holding(self, one: Identity) -> Holding:
        """What an identity holds."""
        return self.holdings.of(one.role_ids)

    @cached_property
    def _judged(self) -> tuple[Mapping[Subject, int], Mapping[tuple[str, str, str], FindingAt]]:
        open_: Counter[Subject] = Counter()
        waived: dict[tuple[str, str, str], FindingAt] = {}
        for one in self.findings():
            if one.status == "open":
                open_[one.subject_kind, one.subject_id] += 1
            elif one.status == "waived":
                waived[one.check, one.subject_kind, one.subject_id] = one
        return open_, waived

    @property
    def open_findings(self) -> Mapping[Subject, int]:
        """How many findings are open about each subject, by its kind and id."""
        return self._judged[0]

    @property
    def waived_findings(self) -> Mapping[tuple[str, str, str], FindingAt]:
        """The findings that are accepted, by check and by the kind and id of their subject."""
        return self._judged[1]

    @cached_property
    def teams(self) -> Mapping[str, tuple[str, ...]]:
        """The teams of each identity by name. Those who share the answer share the tuple."""
        named = self.picture.access.teams
        found: dict[str, set[str]] = {}
        for one in self.picture.access.memberships:
            team = named.get(one.team_id)
            found.setdefault(one.user_id, set()).add(team.subject if team else one.team_id)
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        sorted_ = ((who, tuple(sorted(teams))) for who, teams in found.items())
        return {who: shared.setdefault(teams, teams) for who, teams in sorted_}

    @cached_property
    def mapped(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the SAML mappings that give each role."""
        found: dict[str, list[str]] = {}
        for one in self.picture.mappings:
            if one.role_id is not None:
                found.setdefault(one.role_id, []).append(one.id)
        return {role: tuple(sorted(ids)) for role, ids in found.items()}

    @cached_property
    def managed(self) -> frozenset[str]:
        """The ids of the roles that Datadog keeps up itself."""
        return frozenset(one.id for one in self.picture.access.roles.values() if one.name in MANAGED)

    def reach(self, one: Credential) -> str | None:
        """The most harmful tier of what a credential can do now; None for API keys, which no role is asked for."""
        if one.type == CredentialType.API_KEY:
            return None
        return self.holdings.tier(self.picture.effective(one))

    def dead_scopes(self, one: Credential) -> tuple[str, ...] | None:
        """The scopes that nobody a credential acts for holds; None where that is not known."""
        access = self.picture.access
        if not actors(access, one):
            return None
        missing = access.pack(one.scopes or ()) & ~granted(access, one)
        return access.unpack(missing) if missing else ()

    def keys_of(self, one: Identity) -> tuple[Credential, ...]:
        """The credentials that act as an identity and nobody else."""
        return self.picture.access.owned_by(one.id)

    def saw(self, resource: Resource) -> bool:
        """Whether the run read anything of a resource: where not, having none of it means nothing."""
        found = self.picture.coverage.get(resource)
        return found is not None and found.state in (CoverageState.COMPLETE, CoverageState.INCOMPLETE)

    @cached_property
    def teams_seen(self) -> bool:
        """Whether the run read who is in which team."""
        return self.saw(Resource.TEAM_MEMBERSHIPS)

    @cached_property
    def _own(self) -> dict[str, bool]:
        return {}

    def own(self, domain: str) -> bool:
        """Whether a domain is one of the organization's own or part of one."""
        found = self._own.get(domain)
        if found is None:
            found = self._own[domain] = self.picture.is_own(domain)
        return found

    def first_seen(self, run: int | None) -> Seen:
        """When the run with a number saw what it saw."""
        return self.seen.get(run or 0, _NEVER)

    def days(self, since: datetime | None) -> int | None:
        """Whole days from a time to the run."""
        return None if since is None else max(0, (self.at - since).days)


_NEVER = Seen(None, False)
