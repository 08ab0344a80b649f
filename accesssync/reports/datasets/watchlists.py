"""Those whom a review looks at first: dormant, privileged and external identities."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial

from accesssync.findings.catalogue import BY_ID
from accesssync.findings.picture import domain_of
from accesssync.model.identity import Identity
from accesssync.reach.access import can_act
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.datasets import identities
from accesssync.reports.datasets.duties import broken_rules
from accesssync.reports.material import Material

DORMANT = (
    *identities.COLUMNS,
    Column("threshold_days", "count", "Days without use from which on somebody is listed here, by the policy."),
    Column("basis", "text", "What was looked at: last_login, or key_use for machines."),
    Column("key_last_used_at", "moment", "When a key or token of it was last used."),
    Column("protected_by", "text", "Why it may stay all the same: young_account, break_glass or recent_key_use."),
)

PRIVILEGED = (
    shared.ORG,
    shared.IDENTITY_ID,
    shared.TYPE,
    shared.NAME,
    shared.EMAIL,
    shared.STATUS,
    shared.TIER,
    Column("reasons", "list", "The permissions of T0 and T1 that it holds beyond every colleague's."),
    Column("via_roles", "list", "The roles that carry them."),
    shared.MFA,
    Column("is_external", "flag", "Whether the domain of its address is not one of the organization's own."),
    shared.LAST_LOGIN,
    shared.LAST_LOGIN_STATE,
    shared.DAYS_INACTIVE,
    Column("app_keys", "count", "Application keys that act as it."),
    Column("tokens", "count", "Personal and service access tokens that act as it."),
    Column("sod_rules", "list", "The separations of duties that it breaks; not counted for administrators."),
    Column("owner", "text", "Who answers for it, as a file or a decision says.", personal=True),
    Column("first_privileged_at", "moment", "When a run first saw one of these permissions held, without a gap."),
    Column("first_privileged_is_baseline", "flag", "Whether that was the first run: it may have been so before."),
    Column(
        "ticket", "text", "The plan, or the ticket and reason, behind a grant that makes privileged.", personal=True
    ),
    Column("approver", "text", "Who made that grant, where it is known.", personal=True),
    shared.OPEN_FINDINGS,
    shared.LAST_REVIEWED,
)

EXTERNAL = (
    shared.ORG,
    shared.IDENTITY_ID,
    shared.TYPE,
    shared.NAME,
    shared.EMAIL,
    shared.STATUS,
    Column("domain", "text", "The part of the address after the @."),
    Column("free_mail", "flag", "Whether that domain gives addresses to anybody."),
    Column("sponsor", "text", "Who answers for it: the declared owner, else the manager in people.csv.", personal=True),
    shared.ROLES,
    shared.TIER,
    shared.LAST_LOGIN,
    shared.LAST_LOGIN_STATE,
    shared.DAYS_INACTIVE,
    Column("expires", "day", "The last day, as people.csv has it."),
    shared.OPEN_FINDINGS,
    shared.LAST_REVIEWED,
)

_NO_RUNS: dict[str, int] = {}


def dormant(material: Material) -> Dataset:
    """Who is not disabled and was not used for long. Of whom nothing is known is not among them."""
    return Dataset("dormant", "Dormant identities", "identity not used for long", DORMANT, partial(_dormant, material))


def privileged(material: Material) -> Dataset:
    """Who is not disabled and may do more than ordinary colleagues."""
    return Dataset(
        "privileged", "Privileged identities", "privileged identity", PRIVILEGED, partial(_privileged, material)
    )


def external(material: Material) -> Dataset:
    """Who is not disabled and has an address of another domain."""
    return Dataset("external", "External identities", "identity from outside", EXTERNAL, partial(_external, material))


def _dormant(material: Material) -> Iterator[Row]:
    for one in material.people:
        basis = _unused(material, one)
        if basis:
            used = [key.last_used_at for key in material.keys_of(one)]
            last = max((when for when in used if isinstance(when, datetime)), default=None)
            yield (
                *identities.row_of(material, one), _days(material, basis), basis, last,
                _protected(material, one, basis),
            )  # fmt: skip


def _days(material: Material, basis: str) -> int:
    check = "AS-NHI-03" if basis == "key_use" else "AS-ID-01"
    given: Mapping[str, int] = {**BY_ID[check].defaults(), **material.picture.policy.of(check).parameters}
    return given["days"]


def _unused(material: Material, one: Identity) -> str | None:
    """By what an identity is taken for unused; None where it is not, or where nobody knows."""
    picture = material.picture
    if not can_act(one) or (one.status or "").casefold() != "active":
        return None
    if one.service_account:
        limit = picture.ago(_days(material, "key_use"))
        idle = picture.key_used_since(one, limit) is False and picture.login(one).before(limit) is True
        return "key_use" if idle else None
    return "last_login" if picture.login(one).before(picture.ago(_days(material, "last_login"))) else None


def _protected(material: Material, one: Identity, basis: str) -> str | None:
    picture, limit = material.picture, material.picture.ago(_days(material, basis))
    if one.created_at is None or one.created_at >= limit:
        return "young_account" if one.created_at else None
    if picture.is_emergency(one):
        return "break_glass"
    return "recent_key_use" if picture.key_used_since(one, limit) else ""


def _privileged(material: Material) -> Iterator[Row]:
    rules = broken_rules(material)
    for one in material.people:
        holding = material.holding(one)
        if not holding.privileged or not can_act(one):
            continue
        login = material.picture.login(one)
        keys, tokens, _ = identities.held(material, one)
        runs = material.grant_runs.get(one.id, _NO_RUNS)
        parts = material.holdings.parts(one.role_ids, privileged=True)
        seen = material.first_seen(min((run for part in parts if (run := part.since(runs)) is not None), default=None))
        carrying = {role for part in parts for role, _ in part.runs}
        whys = [why for role in one.role_ids if role in carrying and (why := material.explained.get((one.id, role)))]
        yield (
            material.org, one.id, identities.type_of(material, one), one.name, one.email, one.status, holding.tier,
            holding.privileged, holding.via, one.mfa_enabled, identities.external(material, domain_of(one)), login.at,
            login.state, material.days(login.at), keys, tokens,
            tuple(rule.id for rule, _ in rules.of(one)), material.picture.known(one).owner, seen.at, seen.baseline,
            whys[0].explanation if whys else None, whys[0].actor if whys else None,
            material.open_findings.get(("identity", one.id), 0), None,
        )  # fmt: skip


def _external(material: Material) -> Iterator[Row]:
    picture = material.picture
    for one in material.people:
        domain = domain_of(one)
        if not can_act(one) or not identities.external(material, domain):
            continue
        holding, login = material.holding(one), picture.login(one)
        person = picture.people.find(one) if picture.people else None
        yield (
            material.org, one.id, identities.type_of(material, one), one.name, one.email, one.status, domain,
            domain in picture.free_mail, picture.known(one).owner or (person.manager if person else None),
            holding.roles, holding.tier, login.at, login.state, material.days(login.at),
            person.left_on if person else None, material.open_findings.get(("identity", one.id), 0), None,
        )  # fmt: skip
