"""Make, rotate, narrow and end credentials, one at a time."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import UNSET

from accesssync.errors import RefusedError, UsageError
from accesssync.jobs.provision.key_change import Done, Wanted, carry_out
from accesssync.jobs.provision.key_desk import Desk, find_account, identity, owner, privileged, require_scopes
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.operation import Operation
from accesssync.provision.credentials import Change, CredentialGateway, Issued, revoking
from accesssync.provision.gateway import Outcome
from accesssync.store import runs
from accesssync.store.intents import IntentState, list_intents


def create(desk: Desk, account: Identity, name: str, scopes: Sequence[str], *, replaces: str | None = None) -> Done:
    """Make a scoped key for a service account. Its name is not in use there, so that reading back can tell."""
    require_scopes(desk, scopes)
    change = Change(operation=Operation.CREATE_APPLICATION_KEY, owner=account, privileged=privileged(desk, scopes))
    action = {"account": account.id, "name": name, "scopes": list(scopes), "replaces": replaces}

    def write(gateway: CredentialGateway) -> Outcome | Issued:
        return gateway.create_application_key(account.id, name=name, scopes=scopes)

    def ready(gateway: CredentialGateway) -> None:
        if any(one.name == name for one in gateway.keys_of_account(account.id)):
            raise UsageError(
                f"{account.subject} has a key called {name!r} already", org=desk.org.name, remedy="give another name"
            )

    def made(gateway: CredentialGateway) -> str | None:
        return next((one.id for one in gateway.keys_of_account(account.id) if one.name == name), None)

    wanted = Wanted(
        change=change,
        subject=f"{name} of {account.subject}",
        subject_id=account.id,
        action=action,
        write=write,
        ready=ready,
        made=made,
    )
    return carry_out(desk, wanted)


def narrow(desk: Desk, target: Credential, scopes: Sequence[str]) -> Done:
    """Give an application key fewer scopes; RefusedError for one that it does not have."""
    _require_application_key(desk, target)
    require_scopes(desk, scopes)
    more = set(scopes) - set(target.scopes or ()) if target.scopes is not None else set()
    if more or not target.scopes_known:
        what = f"{', '.join(sorted(more))} would be new to it" if more else "its present scopes are not known"
        raise RefusedError(f"{target.subject} is narrowed, never widened: {what}", org=desk.org.name)
    change = Change(operation=Operation.UPDATE_APPLICATION_KEY, target=target, owner=owner(desk, target), removal=True)

    def write(gateway: CredentialGateway) -> Outcome:
        return gateway.update_application_key(target.id, scopes=scopes)

    def ready(gateway: CredentialGateway) -> None:
        now = gateway.credential(target.type, target.id)
        if now is None or now.scopes != target.scopes:
            what = "does not exist any more" if now is None else "has other scopes by now"
            raise RefusedError(f"{target.subject} {what}", org=desk.org.name, remedy="run: accesssync sync")

    def done(gateway: CredentialGateway) -> bool:
        now = gateway.credential(target.type, target.id)
        return now is not None and now.scopes is not None and set(now.scopes) == set(scopes)

    wanted = Wanted(
        change=change,
        subject=target.subject,
        subject_id=target.id,
        action={"credential": target.id, "scopes": list(scopes)},
        write=write,
        ready=ready,
        done=done,
    )
    return carry_out(desk, wanted)


def revoke(desk: Desk, target: Credential, *, user_id: str | None = None, replaced: bool = False) -> Done:
    """End a credential for good. Of an OAuth client, what `user_id` let it do. `replaced`: another does its work."""
    operation = revoking(target)
    if operation is None:
        raise RefusedError(f"a {target.type} cannot be revoked from here", org=desk.org.name)
    if (operation is Operation.REVOKE_OAUTH_AUTHORIZATION) != (user_id is not None):
        what = "an OAuth client is revoked for one user" if user_id is None else "--user is for OAuth clients only"
        raise UsageError(what, org=desk.org.name, remedy="name the user with --user")
    whose = identity(desk, user_id) if user_id is not None else owner(desk, target)
    change = Change(operation=operation, target=target, owner=whose, removal=not replaced)
    account = target.owner_id if target.type == CredentialType.SERVICE_ACCESS_TOKEN else None
    sends: dict[Operation, Callable[[CredentialGateway], Outcome]] = {
        Operation.REVOKE_APPLICATION_KEY: lambda gateway: gateway.revoke_application_key(target.id),
        Operation.REVOKE_API_KEY: lambda gateway: gateway.revoke_api_key(target.id),
        Operation.REVOKE_ACCESS_TOKEN: lambda gateway: gateway.revoke_access_token(target.id, account_id=account),
        Operation.REVOKE_OAUTH_AUTHORIZATION: lambda gateway: gateway.revoke_oauth_authorization(
            target.id, user_id or ""
        ),
    }

    def gone(gateway: CredentialGateway) -> bool:
        now = gateway.credential(target.type, target.id, account_id=account)
        return now is None or (user_id is not None and user_id not in now.user_ids)

    wanted = Wanted(
        change=change,
        subject=target.subject,
        subject_id=target.id,
        action={"credential": target.id, "type": target.type, "user": user_id, "account": account},
        write=sends[operation],
        done=gone,
        gone_is_done=True,
    )
    return carry_out(desk, wanted)


def rotate(desk: Desk, target: Credential, scopes: Sequence[str] | None) -> Done:
    """Make the successor of a service account's key, with its scopes or fewer. The old key goes on working."""
    _require_application_key(desk, target)
    if target.scopes is None or not target.scopes_known:
        if not scopes:
            raise UsageError(
                f"{target.subject} is not scoped, or nobody knows to what",
                org=desk.org.name,
                remedy="say what its successor needs with --scope",
            )
    elif set(scopes or ()) - set(target.scopes):
        raise RefusedError("a successor gets no scope that the key has not", org=desk.org.name)
    account = find_account(desk, target.owner_id or "")
    open_ones = [one for one, _ in successors(desk, target)]
    if open_ones:
        raise RefusedError(
            f"{target.subject} has a successor already: {open_ones[0]}",
            org=desk.org.name,
            remedy=f"finish: accesssync credential rotate {target.id} --finish",
        )
    name = f"{target.name or 'key'} since {desk.clock():%Y-%m-%d %H:%M:%S}"
    return create(desk, account, name, list(scopes or target.scopes or ()), replaces=target.id)


def finish(desk: Desk, target: Credential, *, unused: bool) -> Done:
    """End a key whose successor is in use; with `unused`, whether it is or not."""
    found = successors(desk, target)
    if not found:
        raise RefusedError(
            f"{target.subject} has no successor",
            org=desk.org.name,
            remedy=f"make one: accesssync credential rotate {target.id}",
        )
    successor_id = found[-1][0]
    gateway = desk.open(desk.org)
    try:
        successor = gateway.credential(CredentialType.APPLICATION_KEY, successor_id)
    finally:
        gateway.close()
    if successor is None:
        raise RefusedError(f"the successor {successor_id} does not exist any more", org=desk.org.name)
    if not unused and (successor.last_used_at is UNSET or successor.last_used_at is None):
        raise RefusedError(
            f"the successor {successor.subject} was not used yet, so ending {target.subject} may stop something",
            org=desk.org.name,
            remedy="hand it over and wait for its first use, or add --unused",
        )
    return revoke(desk, target, replaced=not unused)


def successors(desk: Desk, target: Credential) -> list[tuple[str, datetime]]:
    """The keys that were made from here to replace this one and not revoked from here, with when, oldest first."""
    record = runs.find_org(desk.engine, desk.org.name)
    if record is None:
        return []
    operations = (Operation.CREATE_APPLICATION_KEY, Operation.REVOKE_APPLICATION_KEY)
    kept = [one for one in list_intents(desk.engine, record.id, operations=operations) if one.effective]
    ended = {one.subject_id for one in kept if one.operation == Operation.REVOKE_APPLICATION_KEY}
    return [
        (one.made_id, one.sent_at)
        for one in kept
        if one.state == IntentState.CONFIRMED and one.made_id and one.sent_at and one.made_id not in ended
        if one.action.get("replaces") == target.id
    ]


def _require_application_key(desk: Desk, target: Credential) -> None:
    if target.type != CredentialType.APPLICATION_KEY:
        raise UsageError(f"{target.subject} is no application key", org=desk.org.name)
