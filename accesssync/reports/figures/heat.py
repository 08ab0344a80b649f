"""Which roles can do how much harm."""

from collections import Counter, defaultdict

from accesssync.reach.tier import ORDINARY, tiers
from accesssync.reports.columns import Table
from accesssync.reports.dataset import Cell
from accesssync.reports.figures.shape import Grid, counted

SHOWN = 14
"""Roles in the picture."""


def roles_by_tier(roles: Table | None, carried: Table | None) -> Grid | None:
    """How many permissions of each tier the most powerful roles carry, those with holders first."""
    if roles is None or carried is None:
        return None
    counts: dict[Cell, Counter[str]] = defaultdict(Counter)
    for (role, tier), count in Counter(carried.rows("role_id", "tier")).items():
        counts[role][str(tier)] += count
    known = {one.tier: one.what for one in tiers()} | ORDINARY
    columns = [(tier, known.get(tier, tier)) for tier in (*known, *_others(counts, known))]
    found = [
        (identity, str(name), _size(size))
        for identity, name, size in roles.rows("role_id", "name", "active_user_count")
    ]

    def harm(one: tuple[Cell, str, int]) -> tuple[object, ...]:
        count = counts[one[0]]
        power = sum(number for tier, number in count.items() if tier.startswith("T1"))
        return (not (count["T0"] and one[2]), not (power and one[2]), -count["T0"], -power, -one[2], one[1])

    found.sort(key=harm)
    control = [one for one in found if counts[one[0]]["T0"]]
    holders = sum(one[2] for one in control)
    return Grid(
        title="Roles by what harm they can do",
        says=(
            f"{counted(len(control), 'role carries', 'roles carry')} the control plane (T0), with "
            f"{counted(holders, 'active holder', 'active holders')} between them."
            if control
            else "No role carries the control plane (T0)."
        ),
        about=(
            "Permissions that a role carries, by tier; the darker, the more of what any role carries of it. "
            + "; ".join(f"{tier} {what}" for tier, what in columns)
            + "."
        ),
        rows=tuple((name, f"{size:,}") for _, name, size in found[:SHOWN]),
        columns=tuple(columns),
        values=tuple(tuple(counts[identity][tier] for tier, _ in columns) for identity, _, _ in found[:SHOWN]),
        left_out=max(0, len(found) - SHOWN),
    )


def _others(counts: dict[Cell, Counter[str]], known: dict[str, str]) -> list[str]:
    return sorted({tier for count in counts.values() for tier in count if tier not in known})


def _size(cell: Cell) -> int:
    return int(cell) if isinstance(cell, int) else 0
