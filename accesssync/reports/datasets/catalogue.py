"""Every dataset of a report, in the order in which a reader wants them."""

from collections.abc import Callable

from accesssync.reports.dataset import Dataset
from accesssync.reports.datasets.findings import findings
from accesssync.reports.datasets.grants import grants
from accesssync.reports.datasets.identities import identities
from accesssync.reports.datasets.roles import role_permissions, roles
from accesssync.reports.material import Material

Make = Callable[[Material], Dataset]

ALL: tuple[Make, ...] = (identities, grants, roles, role_permissions, findings)


def datasets_of(material: Material) -> tuple[Dataset, ...]:
    """The datasets of one organization at one run."""
    return tuple(make(material) for make in ALL)
