"""`/api/v2/permissions`: the whole catalogue on one page, without `meta`."""

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.replies import Reply


def list_permissions(call: Call) -> Reply:
    """Every permission there is."""
    rendered = call.organization.rendered
    records = [rendered.permission(each) for each in call.organization.permissions.values()]
    return Reply(body=b'{"data":[' + b",".join(records) + b"]}")


ENDPOINTS = (
    Endpoint("GET", "/api/v2/permissions", "list_permissions", Access(permission="user_access_read"), list_permissions),
)
