"""`/api/v2/authn_mappings`: SAML attributes that lead to roles or, asked for separately, to teams."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.groups import Mapping, Team
from accesssync.sandbox.paging import Paging, page
from accesssync.sandbox.queries import arranged
from accesssync.sandbox.render import single, timestamp, to_json
from accesssync.sandbox.replies import RefusedError, Reply, error, not_found

_READ = Access(permission="user_access_read")


def _bad_request(_detail: str) -> Reply:
    return error(400, "Invalid input ")


def list_authn_mappings(call: Call) -> Reply:
    """A page of the mappings to roles, or to teams where `resource_type` says so."""
    organization, query = call.organization, call.query
    kind = query.get("resource_type", "role")
    if kind not in {"role", "team"}:
        raise RefusedError(_bad_request("resource_type"))
    orders: ReadOnly[str, Callable[[Mapping], str]] = {
        "created_at": lambda each: timestamp(each.created_at) or "",
        "role_id": lambda each: each.role_id or "",
        "role.name": lambda each: organization.roles[each.role_id].name if each.role_id else "",
        "saml_assertion_attribute_id": lambda each: each.attribute_id.zfill(12),
        "saml_assertion_attribute.attribute_key": lambda each: each.attribute_key,
        "saml_assertion_attribute.attribute_value": lambda each: each.attribute_value,
    }
    of_kind = [each for each in organization.mappings.values() if (each.role_id is None) == (kind == "team")]
    text = query.get("filter", "").casefold()
    matching = [
        each for each in of_kind if text in each.attribute_key.casefold() or text in each.attribute_value.casefold()
    ]
    return page(
        arranged(matching, query, orders, default="created_at", refuse=_bad_request),
        total=len(of_kind),
        query=query,
        paging=Paging(refuse_larger=call.behaviour.refuse_larger_pages, bad_request=_bad_request),
        render=lambda each: to_json(_object(each)),
        included=lambda shown: _accompanying(call, shown),
        spoilers=call.spoilers,
    )


def get_authn_mapping(call: Call) -> Reply:
    """One mapping by id, whatever it leads to."""
    mapping = call.organization.mappings.get(call.path["mapping_id"])
    if mapping is None:
        raise RefusedError(not_found(call.path["mapping_id"]))
    return Reply(body=single(to_json(_object(mapping)), _accompanying(call, [mapping])))


def _object(mapping: Mapping) -> dict[str, object]:
    attribute = {"data": {"type": "saml_assertion_attributes", "id": mapping.attribute_id}}
    target = (
        {"role": {"data": {"type": "roles", "id": mapping.role_id}}}
        if mapping.role_id
        else {"team": {"data": {"type": "team", "id": mapping.team_id}}}
    )
    return {
        "type": "authn_mappings",
        "id": mapping.id,
        "attributes": {
            "attribute_key": mapping.attribute_key,
            "attribute_value": mapping.attribute_value,
            "saml_assertion_attribute_id": mapping.attribute_id,
            "created_at": timestamp(mapping.created_at),
            "modified_at": timestamp(mapping.modified_at),
        },
        "relationships": {"saml_assertion_attribute": attribute, **target},
    }


def _accompanying(call: Call, shown: Sequence[Mapping]) -> bytes:
    organization = call.organization
    roles = dict.fromkeys(each.role_id for each in shown if each.role_id)
    teams = dict.fromkeys(each.team_id for each in shown if each.team_id)
    chunks = [organization.rendered.role_included(organization.roles[each]) for each in roles]
    chunks += [to_json(_team_in_short(organization.teams[each])) for each in teams]
    for each in shown:
        attributes = {"attribute_key": each.attribute_key, "attribute_value": each.attribute_value}
        attribute = {"type": "saml_assertion_attributes", "id": each.attribute_id, "attributes": attributes}
        chunks.append(to_json(attribute))
    return b",".join(chunks)


def _team_in_short(team: Team) -> dict[str, object]:
    attributes = {
        "name": team.name,
        "handle": team.handle,
        "summary": team.summary,
        "avatar": None,
        "banner": None,
        "link_count": 0,
        "user_count": len(team.members),
    }
    return {"type": "team", "id": team.id, "attributes": attributes}


_ALL = "/api/v2/authn_mappings"

ENDPOINTS = (
    Endpoint("GET", _ALL, "list_authn_mappings", _READ, list_authn_mappings),
    Endpoint("GET", _ALL + "/{mapping_id}", "get_authn_mapping", _READ, get_authn_mapping),
)
