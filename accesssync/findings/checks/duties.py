"""Checks for duties that one hand should not hold together.

Administrators hold every rule at once and are told by AS-PRIV-01. A custom role that breaks a rule by itself is told
once, with the number of its holders; an identity is told where only several of its roles together break it.
"""

from collections.abc import Iterator
from functools import partial

from accesssync.findings.check import Check, Given, Hit, Remedy
from accesssync.findings.checks.identities import hit
from accesssync.findings.checks.privilege import POWER
from accesssync.findings.picture import ADMIN_ROLE, MANAGED, Picture
from accesssync.findings.separation import Rule, rules
from accesssync.model.identity import Identity


def _broken(picture: Picture, rule: Rule, held: int) -> list[list[str]] | None:
    """What of each side is held, where something of every side is; else None."""
    sides = [picture.access.pack(side) & held for side in rule.sides]
    return [picture.names(side) for side in sides] if all(sides) else None


def _together(rule: Rule, picture: Picture, _given: Given) -> Iterator[Hit]:
    if rule.accounts and not _account_with_control(picture, None):
        return
    alone: set[str] = set()
    for role in picture.access.roles.values():
        if role.name == ADMIN_ROLE:
            continue
        broken = _broken(picture, rule, picture.access.carried(role.id))
        if broken is None:
            continue
        alone.add(role.id)
        if role.name not in MANAGED and picture.holders.get(role.id):
            evidence = {"permissions": broken, "holders": picture.holders[role.id], "one_role": True}
            yield Hit("role", role.id, role.subject, rule.severity, evidence)
    yield from _by_several(rule, picture, alone)


def _by_several(rule: Rule, picture: Picture, alone: set[str]) -> Iterator[Hit]:
    judged: dict[tuple[str, ...], list[list[str]] | None] = {}
    for one in picture.access.able():
        if len(one.role_ids) < 2 or not alone.isdisjoint(one.role_ids) or picture.is_admin(one):
            continue
        if one.role_ids not in judged:
            judged[one.role_ids] = _broken(picture, rule, picture.held(one))
        broken = judged[one.role_ids]
        if broken is not None:
            yield hit(one, rule.severity, {"permissions": broken, "roles": _via(picture, rule, one), "one_role": False})


def _via(picture: Picture, rule: Rule, one: Identity) -> list[str]:
    wanted = picture.access.pack(name for side in rule.sides for name in side)
    return list(picture.access.via(one, wanted))


def _account_with_control(picture: Picture, other_than: Identity | None) -> bool:
    return any(
        picture.control(one) for one in picture.access.service_accounts if other_than is None or one.id != other_than.id
    )


def check_of(rule: Rule) -> Check:
    """A rule as a check."""
    sides = ", and ".join(" or ".join(side) for side in rule.sides)
    accounts = ", while another service account holds a permission of T0" if rule.accounts else ""
    return Check(
        id=rule.id,
        title=rule.title,
        severity=rule.severity,
        when="always",
        logic=f"one role or identity holds {sides}{accounts}",
        needs=POWER,
        remedy=Remedy(
            f"split it over two roles or people: {rule.why}", "accesssync roles", "Organization Settings > Roles"
        ),
        controls=("G-SOD",),
        caveats=(
            "administrators are left to AS-PRIV-01",
            "small teams: a waiver that names what compensates",
        ),
        same="the role that breaks it alone, else the identity",
        find=partial(_together, rule),
    )


DUTIES = tuple(check_of(rule) for rule in rules())
