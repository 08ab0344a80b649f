"""What ends and what goes on when an identity is disabled."""

from msgspec import Struct

from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.reach.access import Access, can_act
from accesssync.reach.credential import Standing, actors, standing
from accesssync.reach.fate import Fate, Urgency, by_urgency, fate


class LostTeam(Struct, frozen=True):
    """A team that somebody leaves; `last_admin` where nobody else who can act is its admin."""

    team: str
    role: str | None
    last_admin: bool


class OffboardPreview(Struct, frozen=True, kw_only=True):
    """What disabling an identity does.

    Each credential tied to it is in exactly one of `dies`, `lives_on`, `stopped` (does not work today either) and
    `unclear`, the most pressing first. `move_first` are the ids of those that die and are in use, then of those of
    which nobody knows. `last_holder_of` are T0 permissions that nobody else who can act holds, `last_person_of`
    those that only service accounts hold besides. `service_accounts` are those it could have made secrets for.
    """

    identity_id: str
    subject: str
    already_disabled: bool
    dies: tuple[Fate, ...]
    lives_on: tuple[Fate, ...]
    stopped: tuple[Fate, ...]
    unclear: tuple[Fate, ...]
    move_first: tuple[str, ...]
    roles: tuple[str, ...]
    teams: tuple[LostTeam, ...]
    last_holder_of: tuple[str, ...]
    last_person_of: tuple[str, ...]
    service_accounts: tuple[str, ...]
    notes: tuple[str, ...]


def offboard_preview(access: Access, identity: Identity) -> OffboardPreview:
    """What would die, live on and be lost if this identity were disabled now. Changes nothing."""
    sorted_out: dict[str, list[Fate]] = {"dies": [], "lives_on": [], "stopped": [], "unclear": []}
    for one in access.tied_to(identity.id):
        kind, why = _outcome(access, identity, one)
        sorted_out[kind].append(fate(access, one, why))
    dies = by_urgency(sorted_out["dies"])
    lives_on = by_urgency(sorted_out["lives_on"])
    last, last_person = _last_of(access, identity)
    accounts = _accounts(access, identity)
    return OffboardPreview(
        identity_id=identity.id,
        subject=identity.subject,
        already_disabled=not can_act(identity),
        dies=dies,
        lives_on=lives_on,
        stopped=by_urgency(sorted_out["stopped"]),
        unclear=by_urgency(sorted_out["unclear"]),
        move_first=tuple(one.id for one in dies if one.urgency in {Urgency.NOW, Urgency.CHECK}),
        roles=tuple(sorted(_role_names(access, identity))),
        teams=_teams(access, identity),
        last_holder_of=access.unpack(last),
        last_person_of=access.unpack(last_person),
        service_accounts=accounts,
        notes=tuple(_notes(access, identity, lives_on, accounts)),
    )


def _outcome(access: Access, identity: Identity, credential: Credential) -> tuple[str, str]:
    state, reason = standing(access, credential)
    if state is Standing.STOPPED:
        return "stopped", f"does not work today either: {reason}"
    if credential.type == CredentialType.API_KEY:
        return "lives_on", "an API key acts for the organization, whoever created it; its value may be known: rotate it"
    if state is Standing.UNKNOWN:
        return "unclear", f"whether it works is not known: {reason}"
    if credential.type == CredentialType.OAUTH_CLIENT:
        return _client_outcome(access, identity, credential)
    if credential.type == CredentialType.APPLICATION_KEY:
        return "dies", "application keys stop when their owner is disabled"
    return "dies", "acts as its owner only, and stops when the owner is disabled"


def _client_outcome(access: Access, identity: Identity, credential: Credential) -> tuple[str, str]:
    others = [one for one in actors(access, credential) if one.id != identity.id]
    if others:
        return "lives_on", f"goes on acting for {len(others)} other users; this user's authorization ends"
    unlisted = [one for one in credential.user_ids if one not in access.identities]
    if unlisted:
        return "unclear", f"{len(unlisted)} others it acts for are not listed"
    return "dies", "acts for nobody else"


def _role_names(access: Access, identity: Identity) -> set[str]:
    listed = (access.roles.get(role_id) for role_id in identity.role_ids)
    return {one.subject if one is not None else role_id for one, role_id in zip(listed, identity.role_ids, strict=True)}


def _teams(access: Access, identity: Identity) -> tuple[LostTeam, ...]:
    mine = {one.team_id: one.role for one in access.memberships if one.user_id == identity.id}
    other_admins = {
        one.team_id
        for one in access.memberships
        if one.role == "admin" and one.user_id != identity.id and _able(access, one.user_id)
    }
    found = []
    for team_id, role in mine.items():
        team = access.teams.get(team_id)
        name = team.subject if team is not None else team_id
        found.append(LostTeam(name, role, role == "admin" and team_id not in other_admins))
    return tuple(sorted(found, key=lambda one: one.team.casefold()))


def _able(access: Access, identity_id: str) -> bool:
    listed = access.identities.get(identity_id)
    return listed is not None and can_act(listed)


def _last_of(access: Access, identity: Identity) -> tuple[int, int]:
    """The T0 permissions that no other able identity holds, and those that only service accounts hold besides."""
    if not can_act(identity):
        return 0, 0
    mine = access.held(identity) & access.control
    people, machines = 0, 0
    for one in access.able() if mine else ():
        if one.id == identity.id:
            continue
        if one.service_account:
            machines |= access.held(one)
        else:
            people |= access.held(one)
    alone = mine & ~people & ~machines
    return alone, 0 if identity.service_account else mine & ~people & machines


def _accounts(access: Access, identity: Identity) -> tuple[str, ...]:
    if not access.held(identity) & access.pack(("service_account_write",)):
        return ()
    return tuple(one.subject for one in access.service_accounts if one.id != identity.id)


def _notes(access: Access, identity: Identity, lives_on: tuple[Fate, ...], accounts: tuple[str, ...]) -> list[str]:
    notes = []
    held = access.held(identity)
    if not can_act(identity):
        notes.append("it is disabled already")
    if accounts:
        notes.append(
            f"it may hold secrets of {len(accounts)} service accounts (service_account_write); Datadog does not say "
            "who made or knows them, and they live on"
        )
    if held & access.pack(("api_keys_read", "api_keys_write")):
        notes.append("it may know the value of every API key (api_keys_read, api_keys_write); they live on")
    if any(one.type == CredentialType.API_KEY for one in lives_on):
        notes.append("rotate the API keys it created: disabling does not end them")
    unlisted = access.unlisted_roles(identity)
    if unlisted:
        notes.append(f"what {len(unlisted)} of its roles carry is not known")
    if not access.teams and any(one.user_id == identity.id for one in access.memberships):
        notes.append("its teams are shown by id: teams were not listed")
    return notes
