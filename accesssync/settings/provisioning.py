"""What may be written to Datadog, with which key, and what stands against it."""

from typing import Literal

from pydantic import BaseModel

from accesssync.settings.declare import A_KEY, A_PUBLIC_KEY, SOME_OPERATIONS, setting
from accesssync.settings.values import Approvers, Key, Operations, Paths, People


class Provisioning(BaseModel):
    """What may be written to Datadog, with which key, and what stands against it."""

    provision_app_key: Key | None = setting(
        "ACCESSSYNC_PROVISION_APP_KEY",
        None,
        "secret",
        "Application key that writes and does nothing else; where unset, nothing is provisioned.",
        A_KEY + "76543210",
    )
    allowed_operations: Operations = setting(
        "ACCESSSYNC_ALLOWED_OPERATIONS",
        frozenset(),
        "list of operations",
        "Write operations that may be sent; every other is refused before anything is sent.",
        SOME_OPERATIONS,
    )
    allow_unscoped_key: bool = setting(
        "ACCESSSYNC_ALLOW_UNSCOPED_KEY",
        False,
        "true or false",
        "Whether a provisioning key may write whose scopes are none or unknown.",
        "true",
    )
    guard_removal_share: int = setting(
        "ACCESSSYNC_GUARD_REMOVAL_SHARE",
        20,
        "percent",
        "Share of the enabled user records from which a day's plans may take something.",
        20,
        ge=1,
        le=100,
    )
    guard_removals: int = setting(
        "ACCESSSYNC_GUARD_REMOVALS",
        25,
        "removals",
        "Disabled users and revoked roles that a day's plans may come to; below ten users it is 1.",
        25,
        ge=0,
        le=100_000,
    )
    guard_privileged: int = setting(
        "ACCESSSYNC_GUARD_PRIVILEGED",
        5,
        "changes",
        "Changes of privileged access, given or taken, that a day's plans may come to.",
        5,
        ge=0,
        le=10_000,
    )
    min_admins: int = setting(
        "ACCESSSYNC_MIN_ADMINS", 2, "people", "Active admins that no plan may go below.", 2, ge=1, le=1000
    )
    required_admins: People = setting(
        "ACCESSSYNC_REQUIRED_ADMINS",
        frozenset(),
        "list of people",
        "Addresses or ids of admins who stay admins whatever a file says.",
        "ada@example.com,bob@example.com",
    )
    protected: People = setting(
        "ACCESSSYNC_PROTECTED",
        frozenset(),
        "list of people",
        "Addresses, ids and names of service accounts from whom nothing is ever taken.",
        "break-glass@example.com",
    )
    saml_conflict: Literal["warn", "refuse"] = setting(
        "ACCESSSYNC_SAML_CONFLICT",
        "warn",
        "warn or refuse",
        "What a plan does where a SAML mapping would undo it at the next login.",
        "refuse",
    )
    approval: Literal["never", "privileged", "removals", "always"] = setting(
        "ACCESSSYNC_APPROVAL",
        "never",
        "never, privileged, removals or always",
        "Which plans somebody else than their author has to approve.",
        "privileged",
    )
    approvers: Approvers = setting(
        "ACCESSSYNC_APPROVERS",
        dict,
        "list of NAME=KEY",
        "Who may approve, each with an Ed25519 public key in base64; where unset, approvals are declared.",
        f"ada@example.com={A_PUBLIC_KEY}",
    )
    access_files: Paths = setting(
        "ACCESSSYNC_ACCESS_FILES",
        (),
        "list of files",
        "Access files that reconciling plans from.",
        "/srv/access/default.yaml",
    )
    reconcile_apply: bool = setting(
        "ACCESSSYNC_RECONCILE_APPLY",
        False,
        "true or false",
        "Whether reconciling applies what only adds and no guard refuses, instead of only planning.",
        "true",
    )
