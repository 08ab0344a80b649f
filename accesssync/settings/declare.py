"""How a setting is declared: its variable, its unit and meaning, and an example of how it is written."""

from typing import Any

from pydantic import Field

A_KEY = "0123456789abcdef0123456789abcdef"
A_URL = "https://api.datadoghq.eu"
A_PUBLIC_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
SOME_OPERATIONS = "create_user,send_invitation,grant_role"


def setting(variable: str, default: Any, unit: str, description: str, example: object, **limits: Any) -> Any:
    """A setting: its variable, what it means and in which unit, and a value that shows how it is written."""
    limits["default_factory" if callable(default) else "default"] = default
    extra = {"unit": unit, **{name: limit for name, limit in limits.items() if name in ("ge", "le")}}
    return Field(alias=variable, description=description, examples=[str(example)], json_schema_extra=extra, **limits)
