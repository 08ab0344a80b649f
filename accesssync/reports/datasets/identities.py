"""Who there is: people and machines alike."""

from collections.abc import Iterator
from functools import partial

from msgspec import UNSET

from accesssync.findings.picture import domain_of
from accesssync.model.coverage import Resource
from accesssync.model.credential import CredentialType
from accesssync.model.identity import Identity
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.material import Material

COLUMNS = (
    shared.ORG,
    shared.IDENTITY_ID,
    shared.TYPE,
    shared.NAME,
    shared.EMAIL,
    Column("handle", "text", "The name that the user record has in Datadog.", personal=True),
    Column("title", "text", "The job title of the user record.", personal=True),
    shared.STATUS,
    Column("disabled", "flag", "Whether Datadog says that it is disabled."),
    Column("verified", "flag", "Whether the address was verified."),
    Column("created_at", "moment", "When the user record was made."),
    Column("modified_at", "moment", "Not kept: it moves for reasons that are no change of access."),
    shared.LAST_LOGIN,
    shared.LAST_LOGIN_STATE,
    shared.DAYS_INACTIVE,
    shared.MFA,
    Column("mfa_known", "flag", "Whether Datadog says anything about a second factor."),
    Column("allowed_login_methods", "list", "Not kept: no listing of Datadog shows them."),
    Column("email_domain", "text", "The part of the address after the @."),
    Column("is_external", "flag", "Whether that domain is not one of the organization's own."),
    Column("teams", "list", "The teams it belongs to, by name."),
    shared.ROLES,
    Column("role_count", "count", "How many roles it holds."),
    Column("is_privileged", "flag", "Whether it holds permissions of T0 or T1 beyond what every colleague has."),
    shared.TIER,
    Column("app_keys", "count", "Application keys that act as it."),
    Column("tokens", "count", "Personal and service access tokens that act as it."),
    Column("oauth_authorizations", "count", "OAuth clients that act for it."),
    Column("nhi_kind", "text", "What kind of machine it is or may be."),
    Column("nhi_basis", "text", "declared by Datadog, override by a person, or inferred from what is known of it."),
    Column("nhi_confidence", "count", "Points that speak for a machine, at most 100; only where it was inferred."),
    Column("nhi_reasons", "list", "What speaks for a machine, and what against it.", personal=True),
    Column("owner", "text", "Who answers for it, as a file or a decision says.", personal=True),
    Column("first_seen_at", "moment", "When a run first saw it."),
    Column("first_seen_is_baseline", "flag", "Whether that was the first run, so that it may have been there before."),
    Column("last_seen_at", "moment", "When a run last saw it: the run of this report."),
    shared.OPEN_FINDINGS,
    shared.LAST_REVIEWED,
    shared.LAST_DECISION,
)

TOKENS = frozenset({CredentialType.PERSONAL_ACCESS_TOKEN.value, CredentialType.SERVICE_ACCESS_TOKEN.value})


def identities(material: Material) -> Dataset:
    """Every user record."""
    return Dataset("identities", "Identities", "user record", COLUMNS, partial(_rows, material))


def _rows(material: Material) -> Iterator[Row]:
    return (row_of(material, one) for one in material.people)


def row_of(material: Material, one: Identity) -> Row:
    """The cells of one user record."""
    picture = material.picture
    known, holding = picture.known(one), material.holding(one)
    machine = known.label in ("nhi", "review")
    seen = material.first_seen(material.first_runs.get(one.id))
    domain = domain_of(one)
    login = one.last_login_at
    at = None if login is UNSET else login
    return (
        material.org, one.id, type_of(material, one), one.name, one.email, one.handle, one.title, one.status,
        one.disabled, one.verified, one.created_at, None, at,
        "unknown" if login is UNSET else "never" if login is None else "seen",
        material.days(at), one.mfa_enabled, one.mfa_enabled is not None, None, domain,
        external(material, domain), material.teams.get(one.id, ()) if material.teams_seen else None, holding.roles,
        len(holding.roles), holding.is_privileged, holding.tier, *held(material, one),
        known.kind, known.basis if known.label != "unknown" else None,
        known.score if machine and known.basis == "inferred" else None, material.reasons.get(one.id, ()),
        known.owner, seen.at, seen.baseline, material.at, material.open_findings.get(("identity", one.id), 0),
        None, None,
    )  # fmt: skip


def type_of(material: Material, one: Identity) -> str:
    """What an identity is taken for, in one word."""
    known = material.picture.known(one)
    if known.label == "nhi":
        return "service_account" if known.basis == "declared" else "nhi"
    return "nhi_suspected" if known.label == "review" else known.label


def external(material: Material, domain: str | None) -> bool | None:
    """Whether a domain is not one of the organization's own; None where one of the two is not known."""
    if domain is None or not material.picture.own_domains:
        return None
    return not material.own(domain)


def held(material: Material, one: Identity) -> tuple[int | None, int | None, int | None]:
    """How many application keys, tokens and OAuth clients act for an identity; None where those were not seen."""
    keys = tokens = clients = 0
    for each in material.picture.access.tied_to(one.id):
        keys += each.type == CredentialType.APPLICATION_KEY
        tokens += each.type in TOKENS
        clients += each.type == CredentialType.OAUTH_CLIENT
    return (
        keys if material.saw(Resource.APPLICATION_KEYS) else None,
        tokens if material.saw(Resource.ACCESS_TOKENS) else None,
        clients if material.saw(Resource.OAUTH_CLIENTS) else None,
    )
