"""`/api/v2/org`: the organization itself. It has no others below it."""

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.render import references, single, timestamp, to_json
from accesssync.sandbox.replies import Reply


def list_orgs(call: Call) -> Reply:
    """The organization of the caller, on one page without `meta`."""
    organization = call.organization
    listed = call.query.get("filter[name]", "").casefold() in organization.name.casefold()
    relationships = {
        "current_org": {"data": {"type": "orgs", "id": organization.id}},
        "managed_orgs": {"data": references("orgs", [organization.id] if listed else [])},
    }
    data = to_json({"type": "managed_orgs", "id": organization.id, "relationships": relationships})
    return Reply(body=single(data, organization_included(organization)))


def organization_included(organization: Organization) -> bytes:
    """The organization as it accompanies other records."""
    attributes = {
        "name": organization.name,
        "public_id": organization.id[:8],
        "description": "",
        "url": "",
        "disabled": False,
        "sharing": "none",
        "created_at": timestamp(organization.created_at),
        "modified_at": timestamp(organization.created_at),
    }
    return to_json({"type": "orgs", "id": organization.id, "attributes": attributes})


ENDPOINTS = (Endpoint("GET", "/api/v2/org", "list_orgs", Access(), list_orgs),)
