"""Whether a report adds up: what came against what Datadog said, what is stored against what is reported."""

from collections.abc import Iterator, Mapping

from accesssync.evidence.block import Check, Total
from accesssync.model.coverage import CoverageState, Resource
from accesssync.reports.material import Material
from accesssync.store.population import Population
from accesssync.store.runs import Observed

SETTINGS = "Organization Settings"
_READ = frozenset({CoverageState.COMPLETE, CoverageState.INCOMPLETE})

_PLACES: Mapping[Resource, tuple[str, str]] = {
    Resource.ROLES: ("roles", f"{SETTINGS} > Roles"),
    Resource.APPLICATION_KEYS: ("application keys", f"{SETTINGS} > Application Keys"),
    Resource.API_KEYS: ("API keys", f"{SETTINGS} > API Keys"),
    Resource.TEAMS: ("teams", "Teams"),
}


def checks_of(
    observed: Mapping[Resource, Observed],
    kept: Mapping[Resource, int] | None,
    counted: Population,
    material: Material,
) -> tuple[Check, ...]:
    """Every comparison of two counts that were made apart from each other.

    `kept` counts records that no listing showed lately and that are not proven gone; None where that is no longer
    known. What was denied, failed or left out is not compared: the listings and the limitations tell of it.
    """
    read = {resource: one for resource, one in sorted(observed.items()) if one.coverage.state in _READ}
    return (*_listed(read), *_stored(read, kept, counted), *_reported(observed, counted, material))


def _listed(read: Mapping[Resource, Observed]) -> Iterator[Check]:
    for resource, one in read.items():
        if one.coverage.expected is not None:
            yield Check(
                id=f"{resource.value}.received",
                means=f"{_words(resource)}: distinct records that came, and how many Datadog said there are",
                left=one.coverage.received,
                right=one.coverage.expected,
            )


def _stored(
    read: Mapping[Resource, Observed], kept: Mapping[Resource, int] | None, counted: Population
) -> Iterator[Check]:
    for resource, one in read.items():
        stored, received = counted.records[resource.value], one.coverage.received
        if one.coverage.state is not CoverageState.COMPLETE:
            continue
        still = kept.get(resource, 0) if kept is not None else 0
        unknown = kept is None and stored != received
        also = f", with {still:,} kept that are not proven gone" if still else ""
        yield Check(
            id=f"{resource.value}.stored",
            means=f"{_words(resource)}: distinct records that came{also}, and how many are stored",
            left=received + still,
            right=None if unknown else stored,
        )


def _reported(observed: Mapping[Resource, Observed], counted: Population, material: Material) -> Iterator[Check]:
    access = material.picture.access
    everybody = access.identities.values()
    yield Check(
        id="users.by_status",
        means="users by status and kind, added up in the database, and identities in this report",
        left=sum(counted.people.values()) + sum(counted.service_accounts.values()),
        right=len(everybody),
    )
    yield Check(
        id="grants.role_lists",
        means="grants counted in the database, and roles of all identities in this report, added up",
        left=counted.grants,
        right=sum(len(one.role_ids) for one in everybody),
    )
    if Resource.APPLICATION_KEYS in observed:
        owned = sum(count for owner, count in counted.keys.items() if owner in access.identities)
        alone = sum(count for owner, count in counted.keys.items() if owner not in access.identities)
        listed = [one for one in access.credentials if one.type == "application_key"]
        yield Check(
            id="application_keys.by_owner",
            means=f"application keys by owner, added up ({alone:,} of unlisted owners), and those in this report",
            left=owned + alone,
            right=len(listed),
        )
    yield Check(
        id="roles.holders",
        means="holders of all roles, counted role by role, and grants in the database",
        left=sum(_holders(material).values()),
        right=counted.grants,
    )


def totals_of(observed: Mapping[Resource, Observed], counted: Population, material: Material) -> tuple[Total, ...]:
    """What somebody can compare with Datadog's own pages."""
    return tuple(_totals(observed, counted, material))


def _totals(observed: Mapping[Resource, Observed], counted: Population, material: Material) -> Iterator[Total]:
    for status, count in sorted(counted.people.items(), key=lambda one: one[0] or ""):
        place = f"{SETTINGS} > Users, filter {status or 'without a status'}"
        yield Total(means=f"people, {status or 'status not known'}", count=count, place=place)
    yield Total(
        means="service accounts", count=sum(counted.service_accounts.values()), place=f"{SETTINGS} > Service Accounts"
    )
    for resource, (means, place) in _PLACES.items():
        one = observed.get(resource)
        if one is not None and one.coverage.state is CoverageState.COMPLETE:
            yield Total(means=means, count=counted.records[resource.value], place=place)
    holders = _holders(material)
    for role in sorted(material.picture.admin_ids):
        name = material.picture.access.roles[role].subject
        yield Total(means=f"users of {name}", count=holders.get(role, 0), place=f"{SETTINGS} > Roles > {name}")


def _holders(material: Material) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in material.picture.access.identities.values():
        for role in one.role_ids:
            found[role] = found.get(role, 0) + 1
    return found


def _words(resource: Resource) -> str:
    return resource.value.replace("_", " ").replace("api keys", "API keys").replace("oauth", "OAuth")
