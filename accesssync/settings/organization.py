"""The settings of one organization: as they were given, and with every fallback applied."""

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, SecretStr

from accesssync.model.operation import Operation
from accesssync.settings.declare import A_KEY, A_URL, SOME_OPERATIONS, setting
from accesssync.settings.problem import Problem, refuse, wrong
from accesssync.settings.values import Domains, Key, Operations, Resources, Site

ORGS = "ACCESSSYNC_ORGS"
"""What the variables of several organizations begin with."""


class OrgForm(BaseModel):
    """The settings of one organization as they were given; what is absent falls back to the global one."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid", hide_input_in_errors=True)

    site: Site = setting("SITE", "datadoghq.com", "domain", "Datadog site of this organization.", "datadoghq.eu")
    api_key: Key | None = setting("API_KEY", None, "secret", "API key of this organization.", A_KEY)
    app_key: Key | None = setting("APP_KEY", None, "secret", "Application key that reads it.", A_KEY + "01234567")
    provision_app_key: Key | None = setting(
        "PROVISION_APP_KEY", None, "secret", "Overrides ACCESSSYNC_PROVISION_APP_KEY.", A_KEY + "76543210"
    )
    allowed_operations: Operations | None = setting(
        "ALLOWED_OPERATIONS", None, "list of operations", "Overrides ACCESSSYNC_ALLOWED_OPERATIONS.", SOME_OPERATIONS
    )
    api_url: str | None = setting("API_URL", None, "URL", "Overrides ACCESSSYNC_API_URL.", A_URL)
    skip: Resources | None = setting("SKIP", None, "list of resources", "Overrides ACCESSSYNC_SKIP.", "teams,api_keys")
    org_domains: Domains | None = setting(
        "ORG_DOMAINS", None, "list of domains", "Overrides ACCESSSYNC_ORG_DOMAINS.", "example.com,example.org"
    )


@dataclass(frozen=True, kw_only=True)
class OrgSettings:
    """One organization with every fallback applied.

    `api_base` is the checked base URL of its API; `prefix` is what the names of its own variables begin with.
    """

    name: str
    site: str
    api_url: str | None
    api_base: str
    api_key: SecretStr | None = field(default=None, repr=False)
    app_key: SecretStr | None = field(default=None, repr=False)
    provision_app_key: SecretStr | None = field(default=None, repr=False)
    allowed_operations: frozenset[Operation] = frozenset()
    skip: frozenset[str] = frozenset()
    org_domains: frozenset[str] = frozenset()
    prefix: str = "DD_"

    def keys(self) -> tuple[str, str]:
        """The API key and the application key in clear; ConfigurationError where one is missing."""
        if self.api_key is None or self.app_key is None:
            refuse(self.missing())
        return self.api_key.get_secret_value(), self.app_key.get_secret_value()

    def variable(self, name: str) -> str:
        """The variable of a setting that every organization may have for itself, by its name there."""
        return ("ACCESSSYNC_" if self.prefix == "DD_" else self.prefix) + name

    def missing(self) -> list[Problem]:
        """One problem for each key that reading this organization needs and that is not set."""
        given = {"api_key": self.api_key, "app_key": self.app_key}
        what = f"is not set, and reading the organization {self.name} needs it"
        fields = OrgForm.model_fields
        return [wrong(self.prefix + name.upper(), what, fields[name]) for name, value in given.items() if value is None]
