"""Duties that one hand should not hold together, told of each hand.

Administrators hold all of them and are not listed again, and what a role of Datadog's own breaks by itself is nobody's
doing here.
"""

from collections.abc import Iterator
from functools import partial

from accesssync.findings.separation import Rule, rules
from accesssync.model.identity import Identity
from accesssync.reach.access import can_act
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.material import FindingAt, Material

COLUMNS = (
    shared.ORG,
    Column("rule_id", "id", "The rule."),
    Column("title", "text", "What the rule is about."),
    shared.IDENTITY_ID,
    shared.EMAIL,
    shared.STATUS,
    Column("side_a", "list", "The permissions held of its first side."),
    Column("side_b", "list", "The permissions held of its other sides."),
    Column("roles_a", "list", "The roles that carry those of the first side."),
    Column("roles_b", "list", "The roles that carry those of the others."),
    Column("same_role", "flag", "Whether one role alone breaks the rule."),
    Column("also_via_key", "flag", "Empty: keys can do no more than their owner, who is listed here."),
    Column("mitigation", "text", "Why it was accepted, where it was.", personal=True),
    Column("waiver_expires_at", "day", "The last day on which that counts."),
)

LEFT_OUT = "sod: administrators, and what one of Datadog's own roles breaks by itself, are left out"

Sides = tuple[tuple[str, ...], ...]


def sod(material: Material) -> Dataset:
    """Every identity that is not disabled and holds something of every side of a rule."""
    return Dataset("sod", "Separation of duties", "identity x rule", COLUMNS, partial(_rows, material))


class BrokenRules:
    """Which rules each set of roles breaks: worked out once for each set."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._found: dict[tuple[str, ...], tuple[tuple[Rule, Sides], ...]] = {}
        picture = material.picture
        known = (*rules(), *picture.policy.rules)
        # Without an account of the control plane nobody can act as one.
        accounts = any(picture.control(one) for one in picture.access.service_accounts)
        self._rules = tuple(rule for rule in known if accounts or not rule.accounts)

    def of(self, one: Identity) -> tuple[tuple[Rule, Sides], ...]:
        """The rules that somebody breaks, with what is held of each side."""
        found = self._found.get(one.role_ids)
        if found is None:
            admin = self._material.picture.is_admin(one)
            broken = () if admin else tuple((rule, sides) for rule in self._rules if (sides := self._broken(rule, one)))
            found = self._found[one.role_ids] = broken
        return found

    def _broken(self, rule: Rule, one: Identity) -> Sides | None:
        picture = self._material.picture
        sides = self._sides(rule, picture.held(one))
        if sides is None:
            return None
        managed = (role for role in one.role_ids if role in self._material.managed)
        if any(self._sides(rule, picture.access.carried(role)) is not None for role in managed):
            return None
        return sides

    def _sides(self, rule: Rule, held: int) -> Sides | None:
        access = self._material.picture.access
        sides = [access.pack(side) & held for side in rule.sides]
        return tuple(access.unpack(side) for side in sides) if all(sides) else None

    def alone(self, rule: Rule, one: Identity) -> str | None:
        """The id of a role that breaks a rule by itself."""
        access = self._material.picture.access
        return next((role for role in one.role_ids if self._sides(rule, access.carried(role)) is not None), None)


def broken_rules(material: Material) -> BrokenRules:
    """The rules that are broken in one organization."""
    return BrokenRules(material)


def _rows(material: Material) -> Iterator[Row]:
    broken = BrokenRules(material)
    access = material.picture.access
    waived = material.waived_findings
    for one in material.people:
        if not can_act(one):
            continue
        for rule, sides in broken.of(one):
            alone = broken.alone(rule, one)
            first, others = sides[0], tuple(name for side in sides[1:] for name in side)
            risk: FindingAt | None = waived.get((rule.id, "identity", one.id))
            if risk is None and alone is not None:
                risk = waived.get((rule.id, "role", alone))
            reason = (risk.waiver or {}).get("reason") if risk else None
            yield (
                material.org, rule.id, rule.title, one.id, one.email, one.status, first, others,
                access.via(one, access.pack(first)), access.via(one, access.pack(others)), alone is not None, None,
                reason, risk.waived_until if risk else None,
            )  # fmt: skip
