"""The three ways to ask whether keys are any good."""

from accesssync.sandbox.access import Access, Needs, Style
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.render import to_json
from accesssync.sandbox.replies import Reply


def validate_v1(_call: Call) -> Reply:
    """The API key alone, in the oldest form."""
    return Reply(body=b'{"valid":true}')


def validate_v2(call: Call) -> Reply:
    """The API key alone, with what is known about it."""
    attributes = {"valid": True, "api_key_id": call.caller.api_key.id, "api_key_scopes": []}
    return Reply(body=to_json({"data": {"type": "validate_v2", "id": call.organization.id, "attributes": attributes}}))


def validate_keys(_call: Call) -> Reply:
    """Both keys together."""
    return Reply(body=b'{"status":"ok"}')


ENDPOINTS = (
    Endpoint("GET", "/api/v1/validate", "validate", Access(Needs.API_KEY, style=Style.KEY_REQUIRED), validate_v1),
    Endpoint("GET", "/api/v2/validate", "validate", Access(Needs.API_KEY), validate_v2),
    Endpoint("GET", "/api/v2/validate_keys", "validate", Access(style=Style.UNAUTHORIZED), validate_keys),
)
