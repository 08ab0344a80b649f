"""`/api/v2/user_invitations`. There is no list of them: who loses an id never finds it again."""

from accesssync.sandbox.access import Access
from accesssync.sandbox.bodies import Body, data_of
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.records import Invitation
from accesssync.sandbox.render import single, timestamp, to_json
from accesssync.sandbox.replies import RefusedError, Reply, error, not_found
from accesssync.sandbox.resources.users import bad_request, known_user

_INVITE = Access(permission="user_access_invite")


def send_invitations(call: Call) -> Reply:
    """An e-mail to each of these users, all of whom have to exist and to be awaited. Every request sends anew."""
    data = data_of(call)
    if not isinstance(data, list) or not data:
        raise RefusedError(bad_request("data has to be a list"))
    users = [_invited(call, each) for each in data]
    sent = [call.organization.invite(each, at=call.now) for each in users]
    return Reply(201, b'{"data":[' + b",".join(map(_record, sent)) + b"]}")


def _invited(call: Call, record: object) -> str:
    named = Body(record, "user_invitations", bad_request).related("user", "users")
    user = call.organization.users.get(named[0]) if len(named) == 1 else None
    if user is None:
        raise RefusedError(bad_request("user does not exist"))
    if user.status != "Pending":
        raise RefusedError(error(400, "User is already a member of this organization"))
    return user.id


def get_invitation(call: Call) -> Reply:
    """One invitation. It does not say whether it was accepted."""
    sent = call.organization.invitations.get(call.path["invitation_id"])
    if sent is None or sent.withdrawn:
        raise RefusedError(not_found(call.path["invitation_id"]))
    return Reply(body=single(_record(sent)))


def delete_invitations(call: Call) -> Reply:
    """Take back every invitation of a user."""
    call.organization.withdraw_invitations(known_user(call).id)
    return Reply(204)


def _record(sent: Invitation) -> bytes:
    attributes = {
        "uuid": sent.id,
        "login_method": None,
        "invite_type": "openid_invite",
        "created_at": timestamp(sent.created_at),
        "expires_at": timestamp(sent.expires_at),
    }
    user = {"data": {"type": "users", "id": sent.user_id}}
    return to_json(
        {"type": "user_invitations", "id": sent.id, "attributes": attributes, "relationships": {"user": user}}
    )


_ALL = "/api/v2/user_invitations"
_OF_USER = "/api/v2/users/{user_id}/invitations"

ENDPOINTS = (
    Endpoint("POST", _ALL, "send_invitations", _INVITE, send_invitations),
    Endpoint("GET", _ALL + "/{invitation_id}", "get_invitation", _INVITE, get_invitation),
    Endpoint("DELETE", _OF_USER, "delete_user_invitations", _INVITE, delete_invitations),
)
