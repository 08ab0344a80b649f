"""All settings together, and what follows from them for each organization."""

from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, PrivateAttr, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from accesssync.datadog.sites import api_base
from accesssync.errors import ConfigurationError, UsageError
from accesssync.settings.evidence import Evidence
from accesssync.settings.forwarding import Forwarding, webhook_secret
from accesssync.settings.installation import Installation
from accesssync.settings.organization import ORGS, OrgForm, OrgSettings
from accesssync.settings.problem import Problem, refuse, wrong
from accesssync.settings.provisioning import Provisioning
from accesssync.settings.publishing import Publishing, forward_problems, publishing_of
from accesssync.settings.reporting import Reporting
from accesssync.settings.requests import Requests
from accesssync.settings.retention import Retention
from accesssync.settings.worker import Worker


class Settings(Reporting, Evidence, Retention, Forwarding, Worker, Requests, Provisioning, Installation, BaseSettings):
    """Every setting, validated. Made by `load`; the class itself reads nothing, so a test can make one by field.

    The group named last comes first where settings are listed.
    """

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, extra="forbid", hide_input_in_errors=True)

    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out the library's own sources: they forget which variable a value came from."""
        return (init_settings,)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was ignored, a line each: variables that are no setting, or that another one replaces."""
        return self._warnings

    def secrets(self) -> list[str]:
        """Every secret value there is, in clear, for whoever has to keep them out of what is shown."""
        forms: list[BaseModel] = [self, *self.orgs.values()]
        values = [value for form in forms for _, value in form if isinstance(value, SecretStr)]
        texts = [value.get_secret_value() for value in values if value is not self.database_url]
        # A key of several lines can get somewhere line by line.
        lines = [line for text in texts for line in text.splitlines() if text != line and not line.startswith("-----")]
        return [
            *texts,
            *lines,
            *webhook_secret(self.forward_webhook_url),
            *_password(self.database_url.get_secret_value()),
        ]

    def configuration_hash(self) -> str:
        """SHA-256 of every setting that is no secret: two reports of one hash were made with the same settings."""
        told = {str(type(self).model_fields[name].alias): _told(value) for name, value in self if name != "orgs"}
        told |= {f"{ORGS}/{org}/{name}": _told(value) for org, form in self.orgs.items() for name, value in form}
        return sha256("\n".join(f"{name}={text}" for name, text in sorted(told.items())).encode()).hexdigest()

    def organizations(self, names: Sequence[str] = (), *, need_keys: bool = False) -> list[OrgSettings]:
        """The organizations to work on, sorted by name: those in `names`, or all.

        Raises UsageError for a name that is not configured; with `need_keys`, ConfigurationError that names
        the variable of every missing key.
        """
        known, problems = self._resolved()
        wanted = {name.lower() for name in names} or set(known)
        if unknown := sorted(wanted - set(known)):
            raise UsageError(
                f"no organization is called {', '.join(unknown)}", remedy=f"configured: {', '.join(sorted(known))}"
            )
        chosen = [known[name] for name in sorted(wanted)]
        if need_keys:
            problems += [problem for org in chosen for problem in org.missing()]
        if problems:
            refuse(problems)
        return chosen

    def problems(self) -> list[Problem]:
        """What is wrong with the organizations and with publishing, taken together with their fallbacks."""
        known, problems = self._resolved()
        return problems + forward_problems(self, list(known.values()), self.allow_other_host)

    def publishing(self, org: OrgSettings) -> Publishing:
        """Where this organization's streams, metrics and dashboards go in Datadog."""
        return publishing_of(self, org)

    def _resolved(self) -> tuple[dict[str, OrgSettings], list[Problem]]:
        known, problems = {}, []
        single = OrgForm(site=self.site, api_key=self.api_key, app_key=self.app_key)
        for name, form in (self.orgs or {"default": single}).items():
            api_url = form.api_url or self.api_url
            prefix = f"{ORGS}__{name.upper()}__" if self.orgs else "DD_"
            base = ""
            try:
                base = api_base(form.site, api_url, self.allow_other_host)
            except ConfigurationError as error:
                variable = prefix + "API_URL" if form.api_url else "ACCESSSYNC_API_URL"
                what = error.message.removeprefix("the API URL ")
                problems.append(wrong(variable, what, OrgForm.model_fields["api_url"]))
            allowed = self.allowed_operations if form.allowed_operations is None else form.allowed_operations
            known[name] = OrgSettings(
                name=name,
                site=form.site,
                api_url=api_url,
                api_base=base,
                api_key=form.api_key,
                app_key=form.app_key,
                provision_app_key=form.provision_app_key or self.provision_app_key,
                allowed_operations=allowed,
                skip=self.skip if form.skip is None else form.skip,
                org_domains=self.org_domains if form.org_domains is None else form.org_domains,
                prefix=prefix,
            )
        return known, problems


def _told(value: object) -> str:
    if isinstance(value, SecretStr):
        return "a secret"
    if isinstance(value, frozenset):
        return ",".join(sorted(map(str, value)))
    return repr(sorted(value.items())) if isinstance(value, dict) else str(value)


def _password(url: str) -> list[str]:
    """The password of a database URL, as it is written there and as it is sent."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return [url]
    return [password, unquote(password)] if password else []
