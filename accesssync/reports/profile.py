"""Who gets what: the datasets and columns of a report for each kind of reader."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from accesssync.reports.dataset import Dataset, Row


class Profile(Struct, frozen=True, kw_only=True):
    """What one kind of reader gets. `datasets` None: all of them. `without`: columns that are left out wherever they
    stand."""

    name: str
    means: str
    datasets: frozenset[str] | None = None
    without: frozenset[str] = frozenset()


PROFILES: Final[Mapping[str, Profile]] = {
    one.name: one
    for one in (
        Profile(name="full", means="everything"),
        Profile(
            name="auditor",
            means="everything but scores, which nobody can test",
            without=frozenset({"nhi_confidence", "confidence", "score"}),
        ),
        Profile(
            name="owner",
            means="for owners of roles: the roles, who holds them, what acts with them; nothing of findings or logs",
            datasets=frozenset({
                "identities", "grants", "effective_permissions", "roles", "role_permissions", "keys_tokens", "dormant",
                "privileged", "external", "compare_grants", "compare_privileged", "compare_role_permissions",
            }),
            without=frozenset({
                "handle", "verified", "mfa_enabled", "mfa_known", "allowed_login_methods", "nhi_confidence",
                "confidence", "nhi_reasons", "open_findings", "findings", "leaked", "leak_date", "leak_source",
            }),
        ),
    )
}  # fmt: skip
"""Every profile by its name."""


def narrowed(datasets: Sequence[Dataset], profile: Profile) -> tuple[Dataset, ...]:
    """Those datasets and columns that a profile gives."""
    chosen = [one for one in datasets if profile.datasets is None or one.name in profile.datasets]
    return tuple(_narrowed(one, profile) for one in chosen)


def left_out(datasets: Sequence[Dataset], profile: Profile) -> tuple[str, ...]:
    """What a profile leaves out of these datasets, in words; nothing where it leaves out nothing."""
    given = narrowed(datasets, profile)
    names = {one.name for one in given}
    gone = [one.name for one in datasets if one.name not in names]
    columns = sorted({column.name for one in datasets for column in one.columns} & profile.without)
    told = [f"profile {profile.name}: {profile.means}"] if gone or columns else []
    told += [f"datasets left out: {', '.join(gone)}"] if gone else []
    told += [f"columns left out: {', '.join(columns)}"] if columns else []
    return tuple(told)


def _narrowed(dataset: Dataset, profile: Profile) -> Dataset:
    places = [number for number, column in enumerate(dataset.columns) if column.name not in profile.without]
    if len(places) == len(dataset.columns):
        return dataset
    columns = tuple(dataset.columns[number] for number in places)
    return replace(dataset, columns=columns, read=partial(_read, dataset, tuple(places)))


def _read(dataset: Dataset, places: tuple[int, ...]) -> Iterator[Row]:
    for row in dataset.read():
        yield tuple(row[number] for number in places)
