"""What the settings, the keys and the last 24 hours say about plans of one organization."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from accesssync.errors import AccessSyncError, ConfigurationError, RefusedError
from accesssync.model.operation import Operation
from accesssync.provision.assemble import Terms
from accesssync.provision.gateway import Caller, Gateway
from accesssync.provision.guards import BUDGET, Limits, Spent
from accesssync.provision.policy import Policy
from accesssync.settings import OrgSettings, Settings
from accesssync.snapshot.source import Account
from accesssync.store.engine import Database
from accesssync.store.intents import IntentState, list_intents, spent_since

DOUBTFUL = (IntentState.SENT, IntentState.UNKNOWN)
OpenGateway = Callable[[OrgSettings], Gateway]
Whose = Callable[[OrgSettings], Account]


class Doors(Struct, frozen=True, kw_only=True):
    """The ways to Datadog: `gateway` writes with the provisioning key, `account` asks whose the reading key is."""

    gateway: OpenGateway
    account: Whose


def policy_of(settings: Settings, org: OrgSettings) -> Policy:
    """What the settings permit."""
    return Policy(
        allowed=org.allowed_operations,
        unscoped_key=settings.allow_unscoped_key,
        saml_conflict=settings.saml_conflict,
        approval=settings.approval,
        variable=org.variable("ALLOWED_OPERATIONS"),
    )


def limits_of(settings: Settings) -> Limits:
    """What the settings let a plan take away."""
    return Limits(
        removal_share=settings.guard_removal_share,
        removals=settings.guard_removals,
        privileged=settings.guard_privileged,
        min_admins=settings.min_admins,
        required_admins=settings.required_admins,
        protected=settings.protected,
    )


def terms_of(
    engine: Database,
    settings: Settings,
    org: OrgSettings,
    org_id: int,
    now: datetime,
    *,
    caller: Caller | None,
    reader: str | None,
) -> Terms:
    """Under which terms a plan is judged now."""
    spent = spent_since(engine, org_id, now - BUDGET)
    doubtful = list_intents(engine, org_id, states=DOUBTFUL, operations=(Operation.CREATE_SERVICE_ACCOUNT,))
    return Terms(
        policy=policy_of(settings, org),
        limits=limits_of(settings),
        spent=Spent(removals=spent.removals, privileged=spent.privileged),
        caller=caller,
        has_key=org.provision_app_key is not None,
        reader=reader,
        unsettled=frozenset(one.chain for one in doubtful),
    )


def ask_caller(doors: Doors, org: OrgSettings) -> tuple[Caller | None, str | None]:
    """Whose the provisioning key is; else None and why nobody could say."""
    if org.provision_app_key is None:
        return None, None
    try:
        gateway = doors.gateway(org)
    except ConfigurationError as error:
        return None, error.message
    try:
        return gateway.caller(), None
    except AccessSyncError as error:
        return None, error.message
    finally:
        gateway.close()


def ask_reader(doors: Doors, org: OrgSettings) -> str | None:
    """Whose the reading key is; None where nobody says. It need not be there to write."""
    try:
        return doors.account(org).user_id
    except AccessSyncError:
        return None


def same_organization(org: OrgSettings, caller: Caller, datadog_id: str | None) -> None:
    """RefusedError where the provisioning key belongs to another organization than the plan."""
    if caller.org_id and datadog_id and caller.org_id != datadog_id:
        raise RefusedError(
            "the provisioning key belongs to another Datadog organization than the plan",
            org=org.name,
            remedy=f"correct {org.variable('PROVISION_APP_KEY')}",
        )
