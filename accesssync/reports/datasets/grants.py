"""The register of access rights: who holds which role, since when."""

from collections.abc import Iterator
from functools import partial
from hashlib import blake2b

from accesssync.findings.picture import MANAGED
from accesssync.model.coverage import Resource
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.datasets.identities import type_of
from accesssync.reports.material import Explained, Material

COLUMNS = (
    shared.ORG,
    Column("grant_id", "id", "Made of identity and role: the same grant has the same one in every report."),
    shared.IDENTITY_ID,
    shared.EMAIL,
    Column("identity_type", "text", shared.TYPE.means),
    shared.STATUS,
    Column("role_id", "id", "Datadog's id of the role."),
    Column("role_name", "text", "The name of the role; its id where no listing shows it."),
    Column("role_type", "text", "managed by Datadog, or custom; empty for a role that no listing shows."),
    Column("privilege_tier", "text", "The most harmful tier of what the role carries, counted as for identities."),
    Column(
        "source",
        "text",
        "saml_mapping_possible where a SAML mapping gives the role, direct where none does, unknown where the mappings "
        "were not seen.",
    ),
    Column("mapping_id", "list", "The SAML mappings that give the role."),
    Column("first_seen_at", "moment", "When a run first saw the grant as it is now, without a gap."),
    Column("first_seen_is_baseline", "flag", "Whether that was the first run, so that it may have been there before."),
    Column("last_changed_at", "moment", "The same as first_seen_at: a grant begins and ends and does not change."),
    Column("ended_at", "moment", "Empty: what had ended by the run is not in here."),
    Column("provisioned_by", "text", "Who made the grant, where that is known.", personal=True),
    Column(
        "ticket",
        "text",
        "The plan that made the grant, or the ticket and reason that it was explained with.",
        personal=True,
    ),
    shared.LAST_REVIEWED,
    Column("reviewer", "text", "Who decided in that review.", personal=True),
    shared.LAST_DECISION,
)

_UNEXPLAINED = Explained(None, None)
_NO_RUNS: dict[str, int] = {}


def grants(material: Material) -> Dataset:
    """Every role of every identity, disabled ones included."""
    return Dataset(
        "grants", "Grants: the register of access rights", "identity x role", COLUMNS, partial(_rows, material)
    )


def grant_id(identity_id: str, role_id: str) -> str:
    """The id of a grant."""
    return "g-" + blake2b(f"{identity_id}\x1f{role_id}".encode(), digest_size=8).hexdigest()


def _rows(material: Material) -> Iterator[Row]:
    roles, unmapped = material.picture.access.roles, "direct" if material.saw(Resource.AUTHN_MAPPINGS) else "unknown"
    told = {}
    for role in roles.values():
        source = "saml_mapping_possible" if role.id in material.mapped else unmapped
        kind = "managed" if role.name in MANAGED else "custom"
        mapped = material.mapped.get(role.id, ())
        told[role.id] = (role.id, role.subject, kind, material.holdings.of((role.id,)).tier, source, mapped)
    for one in material.people:
        kind, runs = type_of(material, one), material.grant_runs.get(one.id, _NO_RUNS)
        for role_id in one.role_ids:
            role_cells = told.get(role_id) or (role_id, role_id, None, None, unmapped, material.mapped.get(role_id, ()))
            seen = material.first_seen(runs.get(role_id))
            why = material.explained.get((one.id, role_id), _UNEXPLAINED)
            yield (
                material.org, grant_id(one.id, role_id), one.id, one.email, kind, one.status, *role_cells, seen.at,
                seen.baseline, seen.at, None, why.actor, why.explanation, None, None, None,
            )  # fmt: skip
