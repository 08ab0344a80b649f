"""Find out what became of changes of credentials of which no answer came: read back, and never sent again."""

from collections.abc import Callable
from datetime import datetime, timedelta

from accesssync.errors import AccessSyncError
from accesssync.jobs.provision.apply import Applied, World
from accesssync.jobs.provision.result import Became, Result
from accesssync.model.credential import CredentialType
from accesssync.model.operation import Operation
from accesssync.provision.credentials import CHANGES, CredentialGateway
from accesssync.settings import OrgSettings
from accesssync.store import runs
from accesssync.store.engine import Database
from accesssync.store.intents import Intent, IntentState, Step, advance, list_intents
from accesssync.store.lease import leased

LAG = timedelta(minutes=10)
"""How long a write may take to show. What is not to be seen so long afterwards was not done."""

Found = tuple[bool | None, str, str | None]
"""Whether a change was done (None where nobody can tell yet), how that is known, and the id of what it made."""


def settle_doubts(
    engine: Database, org: OrgSettings, opened: Callable[[OrgSettings], CredentialGateway], world: World, *, by: str
) -> Applied | None:
    """Read back the changes of one organization's credentials that nobody knows the outcome of; None for none."""
    record = runs.find_org(engine, org.name)
    doubtful = _doubtful(engine, record.id) if record is not None else []
    if record is None or not doubtful:
        return None
    gateway = opened(org)
    results = []
    try:
        with leased(engine, org.name, record.id, wait=False, sleep=world.sleep, holder=by) as lease:
            for one in _doubtful(engine, record.id):
                done, detail, made_id = _read_back(gateway, one, world.clock())
                if done is not None:
                    step = Step(key=one.key, state=IntentState.RECONCILED, done=done, detail=detail, made_id=made_id)
                    advance(engine, lease, [step], world.clock())
                results.append(_told(one, done, detail, made_id))
    finally:
        gateway.close()
    return Applied(org=org.name, digest="", results=tuple(results))


def _doubtful(engine: Database, org_id: int) -> list[Intent]:
    found = list_intents(engine, org_id, states=(IntentState.UNKNOWN,), operations=CHANGES)
    return [one for one in found if one.plan is None]


def _read_back(gateway: CredentialGateway, intent: Intent, now: datetime) -> Found:
    """What one look shows. What may only not show yet is left open."""
    try:
        done, made_id = _look(gateway, intent)
    except AccessSyncError as error:
        return None, f"reading back failed: {error.message}", None
    if done:
        return True, "no answer came, and reading back later shows it done", made_id
    if intent.sent_at is not None and now >= intent.sent_at + LAG:
        return False, "no answer came, and reading back later shows that it was not done", None
    return None, "not to be seen yet; read back again in some minutes", None


def _look(gateway: CredentialGateway, intent: Intent) -> tuple[bool, str | None]:
    """Whether a change is to be seen, and the id of the key that it made."""
    told = intent.action
    if intent.operation == Operation.CREATE_APPLICATION_KEY:
        keys = gateway.keys_of_account(str(told["account"]))
        made = next((one.id for one in keys if one.name == told["name"]), None)
        return made is not None, made
    kind = str(told.get("type") or CredentialType.APPLICATION_KEY)
    found = gateway.credential(kind, str(told["credential"]), account_id=told.get("account"))
    if intent.operation == Operation.UPDATE_APPLICATION_KEY:
        return found is not None and found.scopes is not None and set(found.scopes) == set(told["scopes"]), None
    return found is None or (told.get("user") is not None and told["user"] not in found.user_ids), None


def _told(intent: Intent, done: bool | None, detail: str, made_id: str | None) -> Result:
    outcome = Became.UNKNOWN if done is None else Became.SUCCEEDED if done else Became.FAILED
    if made_id is not None:
        # Nobody has its secret: it is to be ended, and another made.
        outcome, detail = Became.FAILED, f"made, and its secret was lost: accesssync credential revoke {made_id}"
    return Result(
        number=intent.number,
        operation=Operation(intent.operation),
        subject=intent.subject,
        outcome=outcome,
        detail=detail,
        subject_id=made_id or intent.subject_id,
    )
