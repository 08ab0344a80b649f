"""What stops when one credential is taken away."""

from msgspec import Struct

from accesssync.model.credential import Credential, CredentialType
from accesssync.reach.access import Access, can_act
from accesssync.reach.credential import CredentialReach, Standing, credential_reach, effective, standing
from accesssync.reach.fate import Fate, Urgency, Use, by_urgency, fate, last_use, urgency


class Owner(Struct, frozen=True, kw_only=True):
    """Whose a credential is: its owner, the creator of an API key, or a user of an OAuth client.

    `listed` is whether any listing shows them; all else is None where not.
    """

    id: str
    relation: str
    listed: bool
    subject: str | None = None
    email: str | None = None
    service_account: bool | None = None
    disabled: bool | None = None


class RevokePreview(Struct, frozen=True, kw_only=True):
    """What revoking a credential does.

    `remaining` are the other working credentials of the same owner (of the same creator, for an API key), `lost`
    what none of those can do. `warnings` are reasons to look twice.
    """

    credential_id: str
    type: str
    name: str | None
    last4: str | None
    works: bool | None
    use: Use
    urgency: Urgency
    owners: tuple[Owner, ...]
    reach: CredentialReach
    stops: tuple[str, ...]
    lost: tuple[str, ...]
    remaining: tuple[Fate, ...]
    warnings: tuple[str, ...]


def revoke_preview(access: Access, credential: Credential) -> RevokePreview:
    """What would stop if this credential were revoked now. Changes nothing."""
    reach = credential_reach(access, credential)
    use = last_use(credential, access.at)
    others = _others(access, credential)
    covered = 0
    for one in others:
        covered |= effective(access, one)
    works = {Standing.WORKS: True, Standing.STOPPED: False, Standing.UNKNOWN: None}[reach.standing]
    return RevokePreview(
        credential_id=credential.id,
        type=credential.type,
        name=credential.name,
        last4=credential.last4,
        works=works,
        use=use,
        urgency=Urgency.NONE if works is False else urgency(use),
        owners=_owners(access, credential),
        reach=reach,
        stops=reach.effective or reach.abilities[:1],
        lost=access.unpack(effective(access, credential) & ~covered),
        remaining=by_urgency(fate(access, one, "is not touched") for one in others),
        warnings=tuple(_warnings(access, credential, reach, use)),
    )


def _others(access: Access, credential: Credential) -> list[Credential]:
    if credential.type == CredentialType.OAUTH_CLIENT:
        return []
    is_api_key = credential.type == CredentialType.API_KEY
    whose = credential.created_by_id if is_api_key else credential.owner_id
    if whose is None:
        return []
    same = [one for one in access.tied_to(whose) if one.type != CredentialType.OAUTH_CLIENT]
    return [
        one
        for one in same
        if (one.type == CredentialType.API_KEY) == is_api_key
        and (one.type, one.id) != (credential.type, credential.id)
        and standing(access, one)[0] is Standing.WORKS
    ]


def _owners(access: Access, credential: Credential) -> tuple[Owner, ...]:
    if credential.type == CredentialType.API_KEY:
        whose, relation = [credential.created_by_id], "created it"
    elif credential.type == CredentialType.OAUTH_CLIENT:
        whose, relation = list(credential.user_ids), "authorized it"
    else:
        whose, relation = [credential.owner_id], "owns it"
    return tuple(_owner(access, one, relation) for one in whose if one is not None)


def _owner(access: Access, identity_id: str, relation: str) -> Owner:
    listed = access.identities.get(identity_id)
    if listed is None:
        return Owner(id=identity_id, relation=relation, listed=False)
    return Owner(
        id=identity_id,
        relation=relation,
        listed=True,
        subject=listed.subject,
        email=listed.email,
        service_account=listed.service_account,
        disabled=not can_act(listed),
    )


def _warnings(access: Access, credential: Credential, reach: CredentialReach, use: Use) -> list[str]:
    warnings = []
    if reach.standing is Standing.STOPPED:
        warnings.append(f"it does not work today either: {reach.reason}")
    elif use.in_use:
        warnings.append("it was used within the last 30 days: something will stop")
    elif use.in_use is None:
        warnings.append("whether it is used is not known")
    if credential.type == CredentialType.API_KEY and reach.standing is Standing.WORKS:
        keys = [one for one in access.credentials if one.type == CredentialType.API_KEY]
        if sum(standing(access, one)[0] is Standing.WORKS for one in keys) == 1:
            warnings.append("it is the only working API key listed: application keys do not work without one")
    if credential.leaked:
        warnings.append("Datadog found it published: revoke it, and look at what it was used for")
    return warnings
