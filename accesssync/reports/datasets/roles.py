"""Roles, and what they carry."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from accesssync.findings.picture import ADMIN_ROLE, MANAGED
from accesssync.model.coverage import Resource
from accesssync.model.role import Role
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.material import Material

COLUMNS = (
    shared.ORG,
    Column("role_id", "id", "Datadog's id of the role."),
    Column("name", "text", "The name of the role."),
    Column("role_type", "text", "managed by Datadog, or custom."),
    Column("user_count_api", "count", "Not kept: Datadog counts holders in a way of its own."),
    Column("user_count_observed", "count", "Identities that were seen to hold it."),
    Column("active_user_count", "count", "Of these, those that are not disabled."),
    Column("nhi_count", "count", "Of these, those that are taken for machines and are not disabled."),
    Column("permission_count", "count", "Permissions that it carries."),
    Column("tier0_count", "count", "Of these, permissions of T0."),
    Column("tier1_count", "count", "Of these, permissions of T1."),
    shared.TIER,
    Column("created_at", "moment", "When the role was made."),
    Column("modified_at", "moment", "Not kept: it moves for reasons that are no change of access."),
    Column("saml_mappings", "count", "SAML mappings that give it."),
    Column("teams", "list", "Teams of those who hold it and are not disabled, by name."),
    Column("owner", "text", "Empty: nothing declares owners of roles.", personal=True),
    Column("unused_days", "count", "Whole days since any of its holders last logged in; empty where not known."),
    Column("overlaps_with", "list", "Other roles, but for the administrators', that carry all that this one does."),
    Column("first_seen_at", "moment", "When a run first saw it."),
    Column("first_seen_is_baseline", "flag", "Whether that was the first run, so that it may have been there before."),
    shared.OPEN_FINDINGS,
    shared.LAST_REVIEWED,
)

PERMISSIONS = (
    shared.ORG,
    Column("role_id", "id", "Datadog's id of the role."),
    Column("role_name", "text", "The name of the role."),
    Column("role_type", "text", "managed by Datadog, or custom."),
    Column("permission_id", "id", "Datadog's id of the permission."),
    Column("permission", "text", "The permission, by its name; its id where the catalogue does not list it."),
    Column("display_name", "text", "What Datadog calls it in its own pages."),
    Column("group_name", "text", "The part of Datadog that it belongs to."),
    Column("display_type", "text", "read, write or other, as Datadog says it."),
    Column("tier", "text", "How much harm it can do: T0, the classes of T1, T2 or T3."),
    Column("privileged", "flag", "Whether it is of T0 or T1 and not given to every colleague by Datadog."),
    Column("restricted", "flag", "Whether Datadog itself adds it to every custom role."),
)


def roles(material: Material) -> Dataset:
    """Every role."""
    return Dataset("roles", "Roles", "role", COLUMNS, partial(_roles, material))


def role_permissions(material: Material) -> Dataset:
    """Every permission of every role."""
    return Dataset(
        "role_permissions", "Permissions of roles", "role x permission", PERMISSIONS, partial(_permissions, material)
    )


def role_type(role: Role) -> str:
    """Who keeps a role up."""
    return "managed" if role.name in MANAGED else "custom"


def _roles(material: Material) -> Iterator[Row]:
    use = _Use(material)
    overlaps = _overlaps(material)
    access = material.picture.access
    teams_seen, mappings_seen = material.saw(Resource.TEAM_MEMBERSHIPS), material.saw(Resource.AUTHN_MAPPINGS)
    for role in material.roles:
        tiers = Counter(access.tier(access.name(one))[:2] for one in role.permission_ids)
        seen = material.first_seen(material.role_runs.get(role.id))
        yield (
            material.org, role.id, role.name, role_type(role), None, use.holders[role.id], use.able[role.id],
            use.machines[role.id], len(role.permission_ids), tiers["T0"], tiers["T1"],
            material.holdings.of((role.id,)).tier, role.created_at, None,
            len(material.mapped.get(role.id, ())) if mappings_seen else None,
            tuple(sorted(use.teams.get(role.id, ()))) if teams_seen else None, None, use.unused(role.id),
            overlaps.get(role.id, ()), seen.at, seen.baseline, material.open_findings.get(("role", role.id), 0), None,
        )  # fmt: skip


class _Use:
    """Who holds each role, in one pass over everybody."""

    def __init__(self, material: Material) -> None:
        self.holders: Counter[str] = Counter()
        self.able: Counter[str] = Counter()
        self.machines: Counter[str] = Counter()
        self.teams: dict[str, set[str]] = {}
        self._material = material
        self._last: dict[str, int] = {}
        self._unknown: set[str] = set()
        picture = material.picture
        able = {one.id for one in picture.access.able()}
        for one in picture.access.identities.values():
            self.holders.update(one.role_ids)
            if one.id not in able:
                continue
            self.able.update(one.role_ids)
            if picture.is_machine(one):
                self.machines.update(one.role_ids)
            teams, days = material.teams.get(one.id), material.days(picture.login(one).at)
            for role_id in one.role_ids:
                if teams:
                    self.teams.setdefault(role_id, set()).update(teams)
                if days is not None:
                    self._last[role_id] = min(days, self._last.get(role_id, days))
                elif picture.login(one).state == "unknown":
                    self._unknown.add(role_id)

    def unused(self, role_id: str) -> int | None:
        """Days since a holder last logged in; None where nobody did, or where it is not known of somebody."""
        days = self._last.get(role_id)
        # Somebody of whom nothing is known may have been here today.
        return days if days == 0 or role_id not in self._unknown else None


def _overlaps(material: Material) -> dict[str, tuple[str, ...]]:
    """For each role the others that carry all of it, what Datadog adds by itself left out."""
    access = material.picture.access
    added = access.pack(one.name or one.id for one in access.permissions.values() if one.restricted)
    carried = [(role, access.carried(role.id) & ~added) for role in material.roles]
    rest = [(role, packed) for role, packed in carried if role.name != ADMIN_ROLE]
    found = {}
    for role, mine in carried:
        others = tuple(other.subject for other, theirs in rest if other is not role and mine and not mine & ~theirs)
        if others:
            found[role.id] = others
    return found


def _permissions(material: Material) -> Iterator[Row]:
    access = material.picture.access
    cells = {}
    for role in material.roles:
        ids = sorted(role.permission_ids, key=lambda one: (access.tier(access.name(one)), access.name(one)))
        for one in ids:
            if one not in cells:
                listed, name = access.permissions.get(one), access.name(one)
                told = (listed.display_name, listed.group_name, listed.display_type) if listed else (None, None, None)
                privileged = bool(access.pack((name,)) & access.privileged)
                restricted = listed.restricted if listed else None
                cells[one] = (one, name, *told, access.tier(name), privileged, restricted)
            yield (material.org, role.id, role.subject, role_type(role), *cells[one])
