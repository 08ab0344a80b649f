"""Keys, tokens and OAuth clients: never the secret, and never "unscoped" or "unused" where nothing was said."""

from datetime import datetime
from functools import partial

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import Decoder
from msgspec.structs import replace

from accesssync.datadog import wire
from accesssync.datadog.included import Included
from accesssync.datadog.repair import Repair, utc
from accesssync.datadog.shape import Joined, Shape, id_of, ids_of, moment
from accesssync.model.credential import Credential, CredentialType

# Longer than a public portion, shorter than a whole token.
_PUBLIC_LENGTH = 40
_TOKEN_TYPES = {
    "personal_access_tokens": CredentialType.PERSONAL_ACCESS_TOKEN.value,
    "service_access_tokens": CredentialType.SERVICE_ACCESS_TOKEN.value,
}
_OWNED_NAMES = {"owned_by": "owner_id", "leak_information": "leaked", "public_portion": "last4"}


class _ClientAttributes(Struct):
    name: str | None = None


class _AuthorizationAttributes(Struct):
    disabled: bool | None = None


class _AuthorizationRelationships(Struct):
    user: wire.One
    scopes: wire.Refs | UnsetType | None = UNSET


_client_attributes = Decoder(_ClientAttributes)
_authorization_attributes = Decoder(_AuthorizationAttributes)
_authorization_relationships = Decoder(_AuthorizationRelationships)


def _application_key(key: wire.ApplicationKey) -> Credential:
    a, r = key.attributes, key.relationships
    return Credential(
        id=key.id,
        type=CredentialType.APPLICATION_KEY.value,
        name=a.name,
        owner_id=id_of(r.owned_by),
        scopes=_scopes(a.scopes),
        created_at=moment(a.created_at),
        last4=_end(a.last4),
        leaked=_leaked(r.leak_information),
        last_used_at=_use(a.last_used_at),
    )


def _token(token: wire.Token) -> Credential:
    a, r = token.attributes, token.relationships
    # A repaired token may lack its type.
    found = Credential(
        id=token.id,
        type=_TOKEN_TYPES.get(token.type, token.type) or "unknown",
        name=a.name,
        owner_id=id_of(r.owned_by),
        scopes=_scopes(a.scopes),
        created_at=moment(a.created_at),
        expires_at=moment(a.expires_at),
        last4=a.public_portion,
        leaked=_leaked(r.leak_information),
        last_used_at=_use(a.last_used_at),
    )
    if a.public_portion and len(a.public_portion) > _PUBLIC_LENGTH:
        return replace(found, last4=None, malformed=("last4",))
    return found


def _api_key(key: wire.ApiKey) -> Credential:
    a, r = key.attributes, key.relationships
    return Credential(
        id=key.id,
        type=CredentialType.API_KEY.value,
        name=a.name,
        created_by_id=id_of(r.created_by),
        created_at=moment(a.created_at),
        last4=_end(a.last4),
        leaked=_leaked(r.leak_information),
        category=a.category,
        last_used_at=_api_key_use(a),
    )


def _api_key_use(a: wire.ApiKeyAttributes) -> datetime | UnsetType | None:
    # Two fields say the same, and not every answer has both.
    said = a.last_used_date.timestamp if isinstance(a.last_used_date, wire.LastUse) else UNSET
    if not said and a.date_last_used is not UNSET:
        said = a.date_last_used
    if said is None and a.used_in_last_24_hours:
        return UNSET
    return _use(said)


def _oauth_client(included: Included, client: wire.OAuthClient) -> Credential:
    a, r = client.attributes, client.relationships
    name = _client_name(included, client)
    allowed = _authorizations(included, r.user_authorized_clients, a.user_count)
    lost = [field for field, value in (("name", name), ("user_ids", allowed)) if value is UNSET]
    users, scopes = ((), None) if allowed is UNSET else allowed
    return Credential(
        id=client.id,
        type=CredentialType.OAUTH_CLIENT.value,
        name=None if name is UNSET else name,
        disabled=a.disabled,
        user_ids=users,
        scopes=scopes,
        scopes_known=scopes is not None,
        last_used_at=_use(a.last_exercised),
        malformed=tuple(lost),
    )


def _client_name(included: Included, client: wire.OAuthClient) -> str | UnsetType | None:
    target = id_of(client.relationships.oauth2_client)
    found = included.attributes("oauth2_clients", target, _client_attributes) if target else None
    return client.attributes.name if found is None else found.name


def _authorizations(
    included: Included, refs: wire.Refs | UnsetType | None, count: int | None
) -> tuple[tuple[str, ...], tuple[str, ...] | None] | UnsetType:
    """The users that the client may act for, and all it may do for any of them, None where that is not said.

    UNSET where the answer does not name all of the users.
    """
    if refs is UNSET:
        return UNSET
    authorizations = (refs.data if refs is not None else None) or []
    if len(authorizations) < (count or 0):
        return UNSET
    users: set[str] = set()
    scopes: set[str] | None = set()
    for authorization in authorizations:
        kind = "user_authorized_clients"
        links = included.relationships(kind, authorization.id, _authorization_relationships)
        if links is None or links.user.data is None:
            return UNSET
        state = included.attributes(kind, authorization.id, _authorization_attributes)
        # A user's authorization that was taken back stays listed.
        if state is not None and state.disabled:
            continue
        users.add(links.user.data.id)
        if scopes is None or not isinstance(links.scopes, wire.Refs):
            scopes = None
        else:
            scopes.update(ids_of(links.scopes))
    return tuple(sorted(users)), None if scopes is None else tuple(sorted(scopes))


def _scopes(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(sorted(set(names)))


def _use(value: datetime | UnsetType | None) -> datetime | UnsetType | None:
    return utc(value) if isinstance(value, datetime) else value


def _end(text: str | None) -> str | None:
    # However much more is sent.
    return text[-4:] if text else text


def _leaked(leak: wire.Leak | UnsetType | None) -> bool | None:
    return leak.data is not None if isinstance(leak, wire.Leak) else None


APPLICATION_KEYS: Shape[Credential] = Shape(
    Decoder(wire.Document[wire.ApplicationKey]),
    Decoder(wire.ApplicationKey),
    _application_key,
    Repair(wire.ApplicationKey, _OWNED_NAMES),
)
TOKENS: Shape[Credential] = Shape(
    Decoder(wire.Document[wire.Token]), Decoder(wire.Token), _token, Repair(wire.Token, _OWNED_NAMES)
)
API_KEYS: Shape[Credential] = Shape(
    Decoder(wire.Document[wire.ApiKey]),
    Decoder(wire.ApiKey),
    _api_key,
    Repair(
        wire.ApiKey,
        {
            "created_by": "created_by_id",
            "leak_information": "leaked",
            "last_used_date": "last_used_at",
            "date_last_used": "last_used_at",
            "used_in_last_24_hours": "last_used_at",
        },
    ),
)
_oauth_page = Decoder(wire.Document[wire.OAuthClient])
_oauth_record = Decoder(wire.OAuthClient)
_oauth_repair = Repair(
    wire.OAuthClient,
    {
        "oauth2_client": "",
        "last_exercised": "last_used_at",
        "user_authorized_clients": "user_ids",
        "user_count": "user_ids",
    },
)
OAUTH_CLIENTS: Joined[Credential] = Joined(
    lambda included: Shape(_oauth_page, _oauth_record, partial(_oauth_client, included), _oauth_repair)
)
