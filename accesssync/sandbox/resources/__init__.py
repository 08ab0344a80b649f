"""Every endpoint of the look-alike. A new resource is a new module and one line here."""

from accesssync.sandbox.endpoint import Endpoint
from accesssync.sandbox.resources import (
    access_tokens,
    api_keys,
    application_keys,
    authn_mappings,
    org_authorized_clients,
    organizations,
    permissions,
    roles,
    service_accounts,
    teams,
    user_invitations,
    user_writes,
    users,
    validation,
)

ENDPOINTS: tuple[Endpoint, ...] = (
    *users.ENDPOINTS,
    *user_writes.ENDPOINTS,
    *user_invitations.ENDPOINTS,
    *roles.ENDPOINTS,
    *permissions.ENDPOINTS,
    *validation.ENDPOINTS,
    *organizations.ENDPOINTS,
    *application_keys.ENDPOINTS,
    *api_keys.ENDPOINTS,
    *access_tokens.ENDPOINTS,
    *service_accounts.ENDPOINTS,
    *org_authorized_clients.ENDPOINTS,
    *teams.ENDPOINTS,
    *authn_mappings.ENDPOINTS,
)
