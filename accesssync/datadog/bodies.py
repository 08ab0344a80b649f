"""The bodies of requests that write, made of the official client's own models."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any


def new_user(email: str, name: str | None, title: str | None, role_ids: Sequence[str]) -> Any:
    """A user with all its roles."""
    attributes = _model("user_create_attributes", email=email, **_given(name=name, title=title))
    data = _model("user_create_data", type=_kind("users_type", "users"), attributes=attributes, **_roles(role_ids))
    return _model("user_create_request", data=data)


def new_service_account(email: str, name: str, title: str | None, role_ids: Sequence[str]) -> Any:
    """A service account with all its roles."""
    given = _given(title=title)
    attributes = _model("service_account_create_attributes", email=email, name=name, service_account=True, **given)
    data = _model(
        "service_account_create_data", type=_kind("users_type", "users"), attributes=attributes, **_roles(role_ids)
    )
    return _model("service_account_create_request", data=data)


def changed_user(
    user_id: str, *, name: str | None = None, title: str | None = None, disabled: bool | None = None
) -> Any:
    """What is to be different; what is None stays as it is."""
    attributes = _model("user_update_attributes", **_given(name=name, title=title, disabled=disabled))
    data = _model("user_update_data", id=user_id, type=_kind("users_type", "users"), attributes=attributes)
    return _model("user_update_request", data=data)


def invitation(user_id: str) -> Any:
    """An invitation of one user."""
    invited = _model("user_invitation_relationships", user=user(user_id))
    kind = _kind("user_invitations_type", "user_invitations")
    return _model("user_invitations_request", data=[_model("user_invitation_data", type=kind, relationships=invited)])


def user(user_id: str) -> Any:
    """One user, to be given a role or to lose it."""
    return _model(
        "relationship_to_user",
        data=_model("relationship_to_user_data", id=user_id, type=_kind("users_type", "users")),
    )


def new_key(name: str, scopes: Sequence[str]) -> Any:
    """An application key that may do what its scopes say and no more."""
    attributes = _model("application_key_create_attributes", name=name, scopes=list(scopes))
    kind = _kind("application_keys_type", "application_keys")
    return _model(
        "application_key_create_request", data=_model("application_key_create_data", type=kind, attributes=attributes)
    )


def changed_key(key_id: str, scopes: Sequence[str]) -> Any:
    """Other scopes for an application key."""
    attributes = _model("application_key_update_attributes", scopes=list(scopes))
    kind = _kind("application_keys_type", "application_keys")
    return _model(
        "application_key_update_request",
        data=_model("application_key_update_data", id=key_id, type=kind, attributes=attributes),
    )


def _roles(role_ids: Sequence[str]) -> dict[str, Any]:
    if not role_ids:
        return {}
    kind = _kind("roles_type", "roles")
    data = [_model("relationship_to_role_data", id=each, type=kind) for each in role_ids]
    return {"relationships": _model("user_relationships", roles=_model("relationship_to_roles", data=data))}


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _kind(name: str, value: str) -> Any:
    return _model(name, value=value)


def _model(name: str, /, **fields: Any) -> Any:
    """A model by the name of its module: all of them together would take more than a second to import."""
    made = "".join(part.capitalize() for part in name.split("_"))
    return getattr(import_module(f"datadog_api_client.v2.model.{name}"), made)(**fields)
