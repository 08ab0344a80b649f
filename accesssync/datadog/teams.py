"""Teams, their members, and the mappings that make members of whoever logs in."""

from functools import partial

from msgspec import UNSET, Struct
from msgspec.json import Decoder

from accesssync.datadog import wire
from accesssync.datadog.included import Included
from accesssync.datadog.repair import Repair, usable_id
from accesssync.datadog.shape import Joined, Shape, id_of, moment
from accesssync.model.team import Mapping, Membership, Team, membership_id


class _Assertion(Struct):
    attribute_key: str | None
    attribute_value: str | None


_assertion = Decoder(_Assertion)


def _team(team: wire.Team) -> Team:
    a = team.attributes
    return Team(id=team.id, name=a.name, handle=a.handle, created_at=moment(a.created_at))


def _membership(team_id: str, membership: wire.Membership) -> Membership:
    user = id_of(membership.relationships.user)
    # Without somebody to be in the team there is nothing to name.
    identifier = membership_id(team_id, user) if user is not None and usable_id(user) else ""
    return Membership(id=identifier, team_id=team_id, user_id=user or "", role=membership.attributes.role)


def _mapping(included: Included, mapping: wire.Mapping) -> Mapping:
    a, r = mapping.attributes, mapping.relationships
    target = id_of(r.saml_assertion_attribute) or a.saml_assertion_attribute_id
    found = included.attributes("saml_assertion_attributes", target, _assertion) if target else None
    key, value = (a.attribute_key, a.attribute_value) if found is None else (found.attribute_key, found.attribute_value)
    lost = [field for field, part in (("attribute_key", key), ("attribute_value", value)) if part is UNSET]
    if r.role is UNSET and r.team is UNSET:
        lost += ["role_id", "team_id"]
    return Mapping(
        id=mapping.id,
        attribute_key=None if key is UNSET else key,
        attribute_value=None if value is UNSET else value,
        role_id=id_of(r.role),
        team_id=id_of(r.team),
        created_at=moment(a.created_at),
        malformed=tuple(lost),
    )


TEAMS: Shape[Team] = Shape(Decoder(wire.Document[wire.Team]), Decoder(wire.Team), _team, Repair(wire.Team, {}))

_membership_page = Decoder(wire.Document[wire.Membership])
_membership_record = Decoder(wire.Membership)
_membership_repair = Repair(wire.Membership, {"user": "user_id"})


def memberships_of(team_id: str) -> Shape[Membership]:
    """The shape of one team's memberships, which do not name the team themselves."""
    return Shape(_membership_page, _membership_record, partial(_membership, team_id), _membership_repair)


_mapping_page = Decoder(wire.Document[wire.Mapping])
_mapping_record = Decoder(wire.Mapping)
_mapping_repair = Repair(
    wire.Mapping,
    {"role": "role_id", "team": "team_id", "saml_assertion_attribute": "", "saml_assertion_attribute_id": ""},
)
MAPPINGS: Joined[Mapping] = Joined(
    lambda included: Shape(_mapping_page, _mapping_record, partial(_mapping, included), _mapping_repair)
)
