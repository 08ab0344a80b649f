"""Who gained and who lost what between two dates: the difference of two states, whatever happened in between.

What came after the first and went before the second is in neither state, and so not in here.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct

from accesssync.drift.compare import compare_record
from accesssync.model.change import FieldValue
from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential, resource_of
from accesssync.model.identity import Identity
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG
from accesssync.reports.period.columns import WHO, in_order, who
from accesssync.reports.period.history import Link, Names, Ran, Stay, Version
from accesssync.reports.period.privileges import MOST_NAMED, Powerful
from accesssync.reports.period.spans import held

R = TypeVar("R", Identity, Credential)

Subject = tuple[str, str]
"""The resource that lists a record, and its id."""

NOT_IN_IT = (
    "A comparison shows two states. Access that came and went between them is not in it: "
    "accesssync report --from ... --to ... shows that."
)

_CHANGE = Column("change", "text", "gained where it is only in the later state, lost where only in the earlier one.")

SUMMARY = (
    ORG,
    Column("subject", "text", "The table that the row sums up."),
    Column("earlier", "count", "How many there were in the earlier state."),
    Column("later", "count", "How many in the later one."),
    Column("gained", "count", "How many only in the later one."),
    Column("lost", "count", "How many only in the earlier one."),
    Column("changed", "count", "How many in both, and not the same."),
)

IDENTITIES = (
    ORG,
    *WHO,
    Column("change", "text", "gained, lost, or changed where it is in both states and not the same."),
    Column("able_earlier", "flag", "Whether it was able to act in the earlier state."),
    Column("able_later", "flag", "Whether it was able to act in the later one."),
    Column("fields", "json", "Each fact that differs, as [earlier, later].", personal=True),
    Column("roles_gained", "list", "Roles that it holds only in the later state."),
    Column("roles_lost", "list", "Roles that it holds only in the earlier one."),
)

GRANTS = (
    ORG,
    *WHO,
    Column("role_id", "id", "Datadog's id of the role."),
    Column("role", "text", "The role's name."),
    _CHANGE,
    Column("privileged", "flag", "Whether the role makes its holders privileged in the state that has the grant."),
)

PRIVILEGED = (
    ORG,
    *WHO,
    _CHANGE,
    Column("tier", "text", "The most harmful tier in the state that has it."),
    Column("via_roles", "list", "The roles that carry it."),
    Column("permissions", "list", f"The privileged permissions, the most harmful first, {MOST_NAMED} at most."),
    Column("permission_count", "count", "How many privileged permissions there are."),
)

CREDENTIALS = (
    ORG,
    Column("credential_id", "id", "Datadog's id of the credential."),
    Column("kind", "text", "application_key, api_key, personal_access_token, service_access_token or oauth_client."),
    Column("name", "text", "Its name.", personal=True),
    Column("last4", "text", "Its last four characters, or the public portion of a token."),
    Column("owner_id", "id", "The identity that it acts as, or that made it where it acts for the organization."),
    Column("owner_email", "text", "That identity's e-mail.", personal=True),
    Column("change", "text", "gained, lost, or changed where it is in both states and not the same."),
    Column("fields", "json", "Each fact that differs, as [earlier, later].", personal=True),
)

ROLE_PERMISSIONS = (
    ORG,
    Column("role_id", "id", "Datadog's id of the role."),
    Column("role", "text", "The role's name."),
    Column("permission_id", "id", "Datadog's id of the permission."),
    Column("permission", "text", "The permission's name."),
    _CHANGE,
    Column("privileged", "flag", "Whether it makes the role's holders privileged in the state that has it."),
)


class Apart(Struct, Generic[R], frozen=True):
    """A record as the earlier and as the later state have it, where they differ; None where it is not there."""

    earlier: R | None
    later: R | None

    @property
    def change(self) -> str:
        """What became of it."""
        return "gained" if self.earlier is None else "lost" if self.later is None else "changed"

    @property
    def newest(self) -> R:
        """The record as it was last."""
        one = self.later or self.earlier
        if one is None:
            raise ValueError("in neither state")
        return one


class Between(Struct, frozen=True, kw_only=True):
    """What only one of two states has: versions and links that hold at one of them and not at the other."""

    org: str
    earlier: Ran
    later: Ran
    identities: tuple[Version[Identity], ...]
    grants: tuple[Link, ...]
    credentials: tuple[Version[Credential], ...]
    role_permissions: tuple[Link, ...]
    stays: Mapping[str, tuple[Stay, ...]]
    names: Names
    power: Powerful
    """Of everybody who held a role that ever made privileged between the two."""
    counts: Mapping[str, tuple[int, int]]
    """How many identities, grants, credentials and role permissions each state has."""

    def state(self, change: str) -> Ran:
        """The state that has what was gained, or lost."""
        return self.earlier if change == "lost" else self.later

    def able(self, identity_id: str, state: Ran) -> bool | None:
        """Whether an identity was able to act in a state; None where it was not there."""
        stay = next((one for one in self.stays.get(identity_id, ()) if one.start <= state.id < one.end), None)
        return None if stay is None else stay.able

    def links(self, links: Iterable[Link]) -> list[tuple[str, str, str]]:
        """The (owner, target, change) of links that only one state has, in order; one given anew is in both."""
        sides: tuple[set[tuple[str, str]], set[tuple[str, str]]] = set(), set()
        for one in links:
            sides[self._later(one)].add((one.owner, one.target))
        lost, gained = sides[0] - sides[1], sides[1] - sides[0]
        return sorted((*pair, change) for pairs, change in ((gained, "gained"), (lost, "lost")) for pair in pairs)

    def _later(self, one: "Link | Version[Any]") -> bool:
        return one.start <= self.later.id < one.end

    def apart(self, versions: Iterable[Version[R]], listed: Callable[[R], Resource]) -> dict[Subject, Apart[R]]:
        """The records that differ, by the resource that lists them and their id."""
        sides: dict[Subject, list[R | None]] = {}
        for one in versions:
            record = one.record
            both = sides.setdefault((listed(record).value, record.id), [None, None])
            both[self._later(one)] = record
        return {subject: Apart(*both) for subject, both in sorted(sides.items())}


def _fields(resource: str, one: Apart[R]) -> dict[str, list[FieldValue]]:
    """The facts that differ, as the changes of a run tell them."""
    found = compare_record(Resource(resource), one.earlier, one.later)
    return {name: list(pair) for delta in found for name, pair in delta.fields.items()}


def _identities(between: Between) -> Iterator[Row]:
    roles: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for identity_id, role_id, change in between.links(between.grants):
        roles[identity_id][change == "lost"].append(between.names.role(role_id))
    apart = {one: each for (_, one), each in between.apart(between.identities, lambda _one: Resource.USERS).items()}
    for identity_id in sorted(apart.keys() | roles.keys()):
        one = apart.get(identity_id)
        fields = _fields(Resource.USERS.value, one) if one else {}
        gained, lost = roles.get(identity_id, ((), ()))
        # A version differs also by what a newer accesssync understands of it, which is nothing that changed.
        if one is not None and one.change == "changed" and not (fields or gained or lost):
            continue
        able = (between.able(identity_id, state) for state in (between.earlier, between.later))
        change = one.change if one else "changed"
        yield (
            between.org, *who(between.names, identity_id), change, *able, fields, in_order(gained), in_order(lost)
        )  # fmt: skip


def _grants(between: Between) -> Iterator[Row]:
    for identity_id, role_id, change in between.links(between.grants):
        state = between.state(change)
        privileged = bool(between.power.powers.at(role_id, state.id))
        named = between.names.role(role_id)
        yield between.org, *who(between.names, identity_id), role_id, named, change, privileged


def _privileged(between: Between) -> Iterator[Row]:
    for identity_id, holding in sorted(between.power.holdings.items()):
        before, after = (held(holding.spans, state.id) for state in (between.earlier, between.later))
        if before == after:
            continue
        change = "gained" if after else "lost"
        via = between.power.via(between.names, identity_id, between.state(change).id)
        yield between.org, *who(between.names, identity_id), change, *via


def _credentials(between: Between) -> Iterator[Row]:
    found = between.apart(between.credentials, lambda one: resource_of(one.type))
    for (resource, credential_id), apart in found.items():
        fields, one = _fields(resource, apart), apart.newest
        if apart.change == "changed" and not fields:
            continue
        owner = one.owner_id or one.created_by_id
        email = between.names.who(owner).email if owner else None
        yield between.org, credential_id, one.type, one.name, one.last4, owner, email, apart.change, fields


def _role_permissions(between: Between) -> Iterator[Row]:
    for role_id, permission_id, change in between.links(between.role_permissions):
        name = between.names.permission(permission_id)
        privileged = name in between.power.powers.at(role_id, between.state(change).id)
        yield between.org, role_id, between.names.role(role_id), permission_id, name, change, privileged


def _summary(between: Between) -> Iterator[Row]:
    holdings = between.power.holdings.values()
    states = between.earlier, between.later
    counts = {**between.counts, "privileged": tuple(sum(held(h.spans, one.id) for h in holdings) for one in states)}
    for name, read in _TABLES.items():
        columns = [column.name for column in _COLUMNS[name]]
        changes = Counter(str(row[columns.index("change")]) for row in read(between))
        yield between.org, name, *counts[name], *(changes[one] for one in ("gained", "lost", "changed"))


_Read = Callable[[Between], Iterator[Row]]
_TABLES: Mapping[str, _Read] = {
    "identities": _identities,
    "grants": _grants,
    "privileged": _privileged,
    "credentials": _credentials,
    "role_permissions": _role_permissions,
}
_COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "identities": IDENTITIES,
    "grants": GRANTS,
    "privileged": PRIVILEGED,
    "credentials": CREDENTIALS,
    "role_permissions": ROLE_PERMISSIONS,
}
_TITLES: Mapping[str, tuple[str, str]] = {
    "identities": ("Identities that differ", "identity"),
    "grants": ("Grants that differ", "identity x role"),
    "privileged": ("Privileged in one state only", "identity"),
    "credentials": ("Credentials that differ", "credential"),
    "role_permissions": ("Permissions of roles that differ", "role x permission"),
}


def datasets(between: Between) -> tuple[Dataset, ...]:
    """The comparison as exports, the summary first."""
    summary = Dataset("compare_summary", "What differs", "table of the comparison", SUMMARY, partial(_summary, between))
    tables = (
        Dataset(f"compare_{name}", *_TITLES[name], _COLUMNS[name], partial(read, between))
        for name, read in _TABLES.items()
    )
    return (summary, *tables)
