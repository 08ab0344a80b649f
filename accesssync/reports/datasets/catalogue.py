"""Every dataset of a report, in the order in which a reader wants them, and what is left out of them."""

from collections.abc import Callable

from accesssync.reports.dataset import Dataset
from accesssync.reports.datasets.changes import changes
from accesssync.reports.datasets.credentials import keys_tokens
from accesssync.reports.datasets.duties import LEFT_OUT as DUTIES_LEFT_OUT
from accesssync.reports.datasets.duties import sod
from accesssync.reports.datasets.findings import findings
from accesssync.reports.datasets.grants import grants
from accesssync.reports.datasets.identities import identities
from accesssync.reports.datasets.logbook import NO_REVIEWS, attestations, provisioning_log, sync_runs
from accesssync.reports.datasets.machines import nhi_inventory
from accesssync.reports.datasets.permissions import LEFT_OUT as PERMISSIONS_LEFT_OUT
from accesssync.reports.datasets.permissions import effective_permissions
from accesssync.reports.datasets.roles import role_permissions, roles
from accesssync.reports.datasets.watchlists import dormant, external, privileged
from accesssync.reports.material import Material

Make = Callable[[Material], Dataset]

ALL: tuple[Make, ...] = (
    identities,
    grants,
    effective_permissions,
    roles,
    role_permissions,
    nhi_inventory,
    keys_tokens,
    findings,
    changes,
    dormant,
    privileged,
    external,
    sod,
    provisioning_log,
    sync_runs,
    attestations,
)


def datasets_of(material: Material) -> tuple[Dataset, ...]:
    """The datasets of one organization at one run."""
    return tuple(make(material) for make in ALL)


def filters_of(material: Material) -> tuple[str, ...]:
    """What is left out of which dataset, in words."""
    since = f"{material.since:%Y-%m-%d}"
    permissions = () if material.all_permissions else (PERMISSIONS_LEFT_OUT,)
    return (
        *permissions,
        DUTIES_LEFT_OUT,
        "dormant, privileged, external, sod: nobody who is disabled",
        f"changes, sync_runs: since {since}",
        "changes: what the first run found is no change",
    )


def limitations_of(material: Material) -> tuple[str, ...]:
    """What the datasets cannot say, in words."""
    past = "findings: status as at the run; severity, subject and evidence as they were last told"
    return (NO_REVIEWS,) if material.latest else (past, NO_REVIEWS)
