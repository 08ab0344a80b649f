"""What a report of one run cannot know, in words and numbers: it is printed, not hidden."""

from collections.abc import Iterator, Mapping

from msgspec import UNSET

from accesssync.jobs.inventory import View
from accesssync.jobs.report.backing import Reader
from accesssync.model.coverage import CoverageState, Resource
from accesssync.reports.material import Material
from accesssync.store.runs import Observed


def limits_of(
    view: View, observed: Mapping[Resource, Observed], material: Material, reader: Reader | None
) -> tuple[str, ...]:
    """Everything that a reader has to know before drawing conclusions from what is missing."""
    return (*_source(reader), *_unread(observed), *_unknown(material, observed), *_judged(view, material))


def _source(reader: Reader | None) -> Iterator[str]:
    if reader is not None and reader.foreign_host is not None:
        yield f"the settings ask {reader.foreign_host}, which is no site of Datadog: this may be no real organization"


def _unread(observed: Mapping[Resource, Observed]) -> Iterator[str]:
    words = {
        CoverageState.DENIED: "were not readable with these keys",
        CoverageState.FAILED: "could not be read",
        CoverageState.SKIPPED: "were left out on purpose (ACCESSSYNC_SKIP)",
        CoverageState.INCOMPLETE: "were not proven complete: some may be missing",
    }
    for resource, one in sorted(observed.items()):
        if one.coverage.state in words:
            because = f" ({one.coverage.reason})" if one.coverage.reason else ""
            yield f"{resource.value.replace('_', ' ')} {words[one.coverage.state]}{because}"
        if one.coverage.degraded:
            yield f"{_of(one.coverage.degraded, resource.value)} had attributes that could not be understood"
    for resource in sorted(set(Resource) - observed.keys()):
        yield f"{resource.value.replace('_', ' ')} were not looked at"


def _unknown(material: Material, observed: Mapping[Resource, Observed]) -> Iterator[str]:
    everybody = [one for one in material.picture.access.identities.values() if one.service_account is not True]
    blank = [one for one in everybody if one.mfa_enabled is None]
    if blank:
        yield (
            f"mfa_enabled is not known of {len(blank):,} of {len(everybody):,} people, and a second factor of the "
            "identity provider is never visible"
        )
    silent = sum(one.last_login_at is UNSET for one in everybody)
    if silent:
        yield f"the last login is not known of {silent:,} of {len(everybody):,} people"
    nobody = sum(one.status is None for one in everybody)
    if nobody:
        yield f"the status is not known of {nobody:,} of {len(everybody):,} people"
    if Resource.API_KEYS in observed:
        yield "the last use of an API key is known for the 90 days before the run only"


def _judged(view: View, material: Material) -> Iterator[str]:
    if material.picture.domains_inferred:
        domains = ", ".join(material.picture.own_domain_list[:5]) or "none"
        yield f"the organization's own domains were inferred ({domains}), not declared (ACCESSSYNC_ORG_DOMAINS)"
    if not view.latest:
        yield "the report is of a past run: how its users and roles look in Datadog now is not told"
    yield "Datadog's own count of the users of each role is not kept: compare it on its page"


def _of(count: int, resource: str) -> str:
    noun = resource.replace("_", " ")
    return f"{count:,} of the {noun}"
