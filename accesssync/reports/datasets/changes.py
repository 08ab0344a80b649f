"""What changed, in which window, and by whom and why where that is known."""

from collections.abc import Iterator
from functools import partial

from accesssync.model.change import Change
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.material import Material
from accesssync.reports.period.history import basis_of

COLUMNS = (
    shared.ORG,
    Column("change_id", "id", "The change's own name, the same in every report."),
    Column("run_id", "id", "The run that saw it."),
    Column("observed_at", "moment", "When the look ended that showed it: the same as window_end."),
    Column("window_start", "moment", "When the last look began that did not show it: it happened after this."),
    Column("window_end", "moment", "It happened before this."),
    Column("kind", "text", "What happened to what, such as grant.added or identity.updated."),
    Column("cause", "text", "org where the organization changed; coverage where only more of it was seen."),
    Column("subject_id", "id", "The id of what changed.", personal=True),
    Column("subject", "text", "What people call it.", personal=True),
    Column("before", "json", "The fields that differ, as they were.", personal=True),
    Column("after", "json", "The fields that differ, as they are.", personal=True),
    Column("tier_delta", "text", "For what was given or taken: + or - and the most harmful tier of it."),
    Column("actor", "text", "Who did it, where that is known.", personal=True),
    Column(
        "expected_by",
        "text",
        "The plan, or the ticket and reason, that accounts for it; empty: unexplained.",
        personal=True,
    ),
    shared.EXPLAINED,
    shared.BASIS,
    Column("reviewed", "flag", "Empty: no access reviews are recorded."),
    Column("since_review_id", "id", "Empty: no access reviews are recorded."),
)


def changes(material: Material) -> Dataset:
    """The changes of the last quarter, oldest first. What the first run found is no change."""
    return Dataset("changes", "Changes", "change", COLUMNS, partial(_rows, material))


def _rows(material: Material) -> Iterator[Row]:
    for one in material.changes():
        basis = basis_of(one, material.ticketed)
        yield (
            material.org, one.id, f"run-{one.run_id}", one.observed_before, one.observed_after, one.observed_before,
            one.kind, one.cause.value, one.subject_id, one.subject,
            {name: pair[0] for name, pair in one.fields.items()},
            {name: pair[1] for name, pair in one.fields.items()}, _delta(material, one), one.actor, one.explanation,
            basis != "none", basis, None, None,
        )  # fmt: skip


def _delta(material: Material, one: Change) -> str | None:
    """The tier of what was given or taken; None where nothing was, or where the role is no longer listed."""
    noun, _, verb = one.kind.rpartition(".")
    sign = {"added": "+", "removed": "-"}.get(verb)
    access = material.picture.access
    given = sign == "+"
    if sign is None:
        return None
    if noun == "grant":
        role_id = str(one.fields.get("role_id", (None, None))[given])
        tier = material.holdings.of((role_id,)).tier if role_id in access.roles else None
        return f"{sign}{tier}" if tier else None
    if noun == "role_permission":
        name = one.fields.get("permission", (None, None))[given]
        return f"{sign}{access.tier(name)[:2]}" if isinstance(name, str) else None
    return None
