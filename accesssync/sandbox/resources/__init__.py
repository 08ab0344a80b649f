"""Every endpoint of the look-alike. A new resource is a new module and one line here."""

from accesssync.sandbox.endpoint import Endpoint
from accesssync.sandbox.resources import permissions, roles, users, validation

ENDPOINTS: tuple[Endpoint, ...] = (
    *users.ENDPOINTS,
    *roles.ENDPOINTS,
    *permissions.ENDPOINTS,
    *validation.ENDPOINTS,
)
