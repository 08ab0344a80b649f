"""A bundled server that looks like the Datadog API, with an invented organization behind it.

It is for tests and demonstrations, listens on the loopback address only and knows nothing of the rest
of the package.
"""

from accesssync.sandbox.credentials import ApiKey, AppKey, OAuthClient, Token
from accesssync.sandbox.generate import generate
from accesssync.sandbox.groups import Mapping, Membership, Team
from accesssync.sandbox.keyring import PROVISIONING_SCOPES, PUBLISHING_SCOPES, READING_SCOPES
from accesssync.sandbox.organization import Organization, UnknownRecordError
from accesssync.sandbox.records import Deployment, Invitation, Permission, Role, Truth, User
from accesssync.sandbox.requests import Request, Write
from accesssync.sandbox.server import Knobs, SandboxInfo, SandboxServer, serve

__all__ = [
    "PROVISIONING_SCOPES",
    "PUBLISHING_SCOPES",
    "READING_SCOPES",
    "ApiKey",
    "AppKey",
    "Deployment",
    "Invitation",
    "Knobs",
    "Mapping",
    "Membership",
    "OAuthClient",
    "Organization",
    "Permission",
    "Request",
    "Role",
    "SandboxInfo",
    "SandboxServer",
    "Team",
    "Token",
    "Truth",
    "UnknownRecordError",
    "User",
    "Write",
    "generate",
    "serve",
]
