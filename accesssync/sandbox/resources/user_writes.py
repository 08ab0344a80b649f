"""What changes users: create, update, disable, and service accounts, which are users too."""

from dataclasses import replace

from accesssync.sandbox.access import Access
from accesssync.sandbox.bodies import Body, data_of
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.records import User
from accesssync.sandbox.render import single
from accesssync.sandbox.replies import RefusedError, Reply, error, not_found
from accesssync.sandbox.resources.users import bad_request, known_user, user_reply

_INVITE = Access(permission="user_access_invite")
_MANAGE = Access(permission="user_access_manage", or_permission="service_account_write")
_SERVICE = Access(permission="service_account_write")


def create_user(call: Call) -> Reply:
    """A new user who is Pending; no e-mail is sent. 409 where anybody, also somebody disabled, has the address."""
    body = Body(data_of(call), "users", bad_request)
    email = _email(body)
    taken = {each for user in call.organization.users.values() for each in (user.email.casefold(), user.handle)}
    if email in taken:
        raise RefusedError(error(409, "User already exists"))
    return _created(call, body, email, service_account=False)


def create_service_account(call: Call) -> Reply:
    """A new service account, active at once. Its address may be anybody's: nothing tells a repeated request."""
    body = Body(data_of(call), "users", bad_request)
    if body.flag("service_account") is not True:
        raise RefusedError(bad_request("service_account has to be true"))
    body.text("name", required=True)
    return _created(call, body, _email(body), service_account=True)


def _email(body: Body) -> str:
    email = (body.text("email", required=True) or "").lower()
    name, at, domain = email.partition("@")
    if not (name and at and "." in domain) or any(each.isspace() for each in email):
        raise RefusedError(bad_request("email is not valid"))
    return email


def _created(call: Call, body: Body, email: str, *, service_account: bool) -> Reply:
    organization = call.organization
    roles = body.related("roles", "roles")
    unknown = [each for each in roles if each not in organization.roles]
    if unknown:
        raise RefusedError(not_found(unknown[0]))
    held = call.caller.owner.role_ids if call.caller.owner else ()
    if not set(roles) <= set(held) and not call.may("user_access_manage"):
        raise RefusedError(error(403, "Forbidden"))
    user = organization.add_user(
        email,
        name=body.text("name"),
        title=body.text("title"),
        status="Active" if service_account else "Pending",
        roles=roles,
        service_account=service_account,
        at=call.now,
    )
    return replace(user_reply(organization, user), status=201)


def update_user(call: Call) -> Reply:
    """Name, title, address and whether the user is disabled; anything else in the body is passed over.

    The reply does not tell the user's roles.
    """
    user = _manageable(call)
    body = Body(data_of(call), "users", bad_request)
    body.require_same_id(user.id)
    organization, given = call.organization, body.attributes
    disabled, email = body.flag("disabled"), _email(body) if given.get("email") is not None else None
    if "name" in given:
        organization.rename(user.id, body.text("name"), at=call.now)
    if "title" in given:
        organization.set_title(user.id, body.text("title"), at=call.now)
    if email is not None:
        organization.change_email(user.id, email, at=call.now)
    if disabled is not None and disabled is not user.disabled:
        change = organization.disable if disabled else organization.enable
        change(user.id, at=call.now)
    return Reply(body=single(organization.rendered.user_without_roles(user)))


def disable_user(call: Call) -> Reply:
    """Switch the account off. 404 where it is off already, as where there is none."""
    user = _manageable(call)
    if user.disabled:
        raise RefusedError(not_found(user.id))
    call.organization.disable(user.id, at=call.now)
    return Reply(204)


def _manageable(call: Call) -> User:
    user = known_user(call)
    if not user.service_account and not call.may("user_access_manage"):
        raise RefusedError(error(403, "Forbidden"))
    return user


_ONE = "/api/v2/users/{user_id}"

ENDPOINTS = (
    Endpoint("POST", "/api/v2/users", "create_user", _INVITE, create_user),
    Endpoint("PATCH", _ONE, "update_user", _MANAGE, update_user),
    Endpoint("DELETE", _ONE, "disable_user", _MANAGE, disable_user),
    Endpoint("POST", "/api/v2/service_accounts", "create_service_account", _SERVICE, create_service_account),
)
