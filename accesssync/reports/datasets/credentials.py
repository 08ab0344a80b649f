"""Keys, tokens and OAuth clients: what they are, whose, and what they can do. Never a secret, not even hashed."""

from collections.abc import Iterator
from functools import partial

from accesssync.model.credential import Credential, CredentialType, resource_of
from accesssync.reach.credential import Scoping, Standing, scoping_of, standing
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.datasets.identities import type_of
from accesssync.reports.material import Material

COLUMNS = (
    shared.ORG,
    Column("credential_id", "id", "Datadog's id of the credential; never the secret."),
    Column("kind", "text", "application_key, api_key, personal_access_token, service_access_token or oauth_client."),
    Column("name", "text", "Its name, in which people often put their own.", personal=True),
    Column("last4_or_public_portion", "text", "Its last four characters, or the public part of a token."),
    Column("owner_id", "id", "The identity that it acts as; empty for API keys and OAuth clients.", personal=True),
    Column("owner_email", "text", "The address of that identity.", personal=True),
    Column("owner_status", "text", "The status of that identity; unlisted where no listing shows it."),
    Column("owner_type", "text", shared.TYPE.means),
    Column("responsible", "text", "Who answers for it, as owners.yaml says.", personal=True),
    Column("purpose", "text", "What it is for, as owners.yaml says.", personal=True),
    Column("created_at", "moment", "When it was made."),
    Column("created_by", "text", "Who made it, where Datadog says so.", personal=True),
    Column("modified_at", "moment", "Not kept: it moves for reasons that are no change of access."),
    Column("modified_by", "text", "Not kept."),
    Column("expires_at", "moment", "When it ends; empty where it does not, or where Datadog does not say."),
    Column("age_days", "count", "Whole days since it was made."),
    Column("last_used_at", "moment", "When it was last used, as Datadog tells."),
    Column("last_used_state", "text", "seen, never, none_in_90d (all that Datadog tells of API keys), or unknown."),
    Column("scopes", "list", "What narrows it; empty where nothing does, or where Datadog does not say."),
    Column("unscoped", "flag", "Whether nothing narrows it: it can do all that its owner may."),
    Column("standing", "text", "works, stopped, or unknown where it depends on somebody whom no listing shows."),
    Column("standing_reason", "text", "Why it does not work, or why nobody knows.", personal=True),
    Column("effective_tier", "text", "The most harmful tier of what it can do now, counted as for identities."),
    Column("orphaned_scopes", "list", "Scopes that its owner does not hold: refused now, alive after a promotion."),
    Column("leaked", "flag", "Whether Datadog says that it leaked."),
    Column("leak_date", "moment", "Not kept."),
    Column("leak_source", "text", "Not kept."),
    Column("remote_config_read_enabled", "flag", "Not kept."),
    Column("category", "text", "What Datadog calls the kind of an API key."),
    Column("users", "count", "How many users an OAuth client acts for."),
    Column("sa_owned", "flag", "Whether a service account owns it."),
    shared.OPEN_FINDINGS,
)


def keys_tokens(material: Material) -> Dataset:
    """Every credential that any listing shows."""
    return Dataset("keys_tokens", "Keys and tokens", "credential", COLUMNS, partial(_rows, material))


def _rows(material: Material) -> Iterator[Row]:
    order = {kind.value: number for number, kind in enumerate(CredentialType)}
    found = material.picture.access.credentials
    for one in sorted(found, key=lambda one: (order.get(one.type, 9), (one.name or "").casefold(), one.id)):
        yield _row(material, one)


def _row(material: Material, one: Credential) -> Row:
    access = material.picture.access
    owner, maker = access.identities.get(one.owner_id or ""), access.identities.get(one.created_by_id or "")
    state, reason = standing(access, one)
    scoping, use = scoping_of(one), material.picture.use(one)
    responsible, purpose = material.answers_for.get((resource_of(one.type).value, one.id), (None, None))
    return (
        material.org, one.id, one.type, one.name, one.last4, one.owner_id, owner.email if owner else None,
        owner.status if owner else "unlisted" if one.owner_id else None, type_of(material, owner) if owner else None,
        responsible, purpose, one.created_at, maker.subject if maker else one.created_by_id, None, None,
        one.expires_at, material.days(one.created_at), use.at, use.state,
        one.scopes if scoping is Scoping.SCOPED else None,
        {Scoping.SCOPED: False, Scoping.UNSCOPED: True}.get(scoping), state.value, reason,
        None if state is Standing.UNKNOWN else material.reach(one), _orphaned(material, one),
        one.leaked, None, None, None, one.category,
        len(one.user_ids) if one.type == CredentialType.OAUTH_CLIENT else None,
        owner.service_account if owner else None, material.open_findings.get(("credential", one.id), 0),
    )  # fmt: skip


def _orphaned(material: Material, one: Credential) -> tuple[str, ...] | None:
    """Scopes that nobody it acts for holds; None where nobody knows for whom it acts, or what its scopes are."""
    if one.type == CredentialType.API_KEY or one.scopes is None or not one.scopes_known:
        return None
    return material.dead_scopes(one)
