"""What everybody may do, permission by permission, and through which roles."""

from collections.abc import Iterator
from functools import partial

from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.holding import Part
from accesssync.reports.material import Material

COLUMNS = (
    shared.ORG,
    shared.IDENTITY_ID,
    shared.EMAIL,
    Column("permission", "text", "The permission, by its name; its id where the catalogue does not list it."),
    Column("display_name", "text", "What Datadog calls it in its own pages."),
    Column("group_name", "text", "The part of Datadog that it belongs to."),
    Column("display_type", "text", "read, write or other, as Datadog says it."),
    Column("restricted", "flag", "Whether Datadog itself adds it to every custom role."),
    Column("tier", "text", "How much harm it can do: T0, the classes of T1, T2 or T3."),
    Column("privileged", "flag", "Whether it is of T0 or T1 and not given to every colleague by Datadog."),
    Column("via_roles", "list", "The roles that carry it, by name."),
    Column("via_count", "count", "How many roles carry it."),
    Column("is_default_restricted", "flag", "Whether it is held only because Datadog adds it to custom roles."),
    Column("first_seen_at", "moment", "When a run first saw it held through one of these roles."),
    Column("first_seen_is_baseline", "flag", "Whether that was the first run, so that it may have been there before."),
)

LEFT_OUT = (
    "effective_permissions: only permissions of T0 and T1 beyond what Datadog gives every colleague; "
    "--all-permissions writes every permission of everybody"
)

_NO_RUNS: dict[str, int] = {}


def effective_permissions(material: Material) -> Dataset:
    """What each identity's roles carry, whether or not it is disabled."""
    return Dataset(
        "effective_permissions", "Effective permissions", "identity x permission", COLUMNS, partial(_rows, material)
    )


def _rows(material: Material) -> Iterator[Row]:
    holdings, wanted = material.holdings, not material.all_permissions
    # By the part itself, of which there is one for all who hold it through the same roles.
    told: dict[int, Row] = {}
    for one in material.people:
        parts = holdings.parts(one.role_ids, privileged=wanted)
        if not parts:
            continue
        runs = material.grant_runs.get(one.id, _NO_RUNS)
        who = material.org, one.id, one.email
        for part in parts:
            cells = told.get(id(part))
            if cells is None:
                cells = told[id(part)] = _cells(material, part)
            seen = material.first_seen(part.since(runs))
            yield (*who, *cells, seen.at, seen.baseline)


def _cells(material: Material, part: Part) -> Row:
    listed = material.picture.access.permission(part.name)
    told = (listed.display_name, listed.group_name, listed.display_type) if listed else (None, None, None)
    added = part.restricted and not any(role in material.managed for role, _ in part.runs)
    return (part.name, *told, part.restricted, part.tier, part.privileged, part.via, len(part.via), added)
