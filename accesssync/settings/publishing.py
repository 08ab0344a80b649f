"""Where one organization's streams are published in Datadog: the settings of forwarding over its own."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from accesssync.datadog.sites import api_base, is_datadog_host
from accesssync.errors import ConfigurationError
from accesssync.model.operation import Operation
from accesssync.settings.forwarding import Forwarding
from accesssync.settings.organization import OrgSettings
from accesssync.settings.problem import Problem, wrong
from accesssync.settings.values import PERSONAL_FIELDS


@dataclass(frozen=True, kw_only=True)
class Publishing:
    """Where an organization is published, with every fallback applied.

    `elsewhere`: with a key of its own, so the organization that is published to may be another than the one observed.
    `personal` are the fields of people that go along beside ids. `allowed` are the operations that the observed
    organization allows, `setting` the variable that they come from.
    """

    org: str
    site: str
    api_url: str | None
    api_key: SecretStr | None = field(default=None, repr=False)
    app_key: SecretStr | None = field(default=None, repr=False)
    elsewhere: bool
    personal: frozenset[str]
    allowed: frozenset[Operation]
    setting: str
    prefix: str


def publishing_of(form: Forwarding, org: OrgSettings) -> Publishing:
    """Where this organization is published. Nothing is opened, and keys may be missing."""
    elsewhere = form.forward_api_key is not None and form.forward_api_key != org.api_key
    everything: frozenset[str] = frozenset() if elsewhere else frozenset(PERSONAL_FIELDS)
    return Publishing(
        org=org.name,
        site=form.forward_site or org.site,
        api_url=form.forward_api_url or _own_url(form, org),
        api_key=form.forward_api_key or org.api_key,
        app_key=form.forward_app_key,
        elsewhere=elsewhere,
        personal=everything if form.forward_personal is None else form.forward_personal,
        allowed=org.allowed_operations,
        setting=org.variable("ALLOWED_OPERATIONS"),
        prefix="ACCESSSYNC_FORWARD__" if form.forward_api_key is not None else org.prefix,
    )


def forward_problems(form: Forwarding, orgs: list[OrgSettings], allow_other_host: bool) -> list[Problem]:
    """What is wrong with where things are to be published."""
    fields = type(form).model_fields
    problems = []
    if form.forward_api_url is not None:
        try:
            api_base(form.forward_site or "datadoghq.com", form.forward_api_url, allow_other_host)
        except ConfigurationError as error:
            what = error.message.removeprefix("the API URL ")
            problems.append(wrong("ACCESSSYNC_FORWARD__API_URL", what, fields["forward_api_url"]))
    other = form.forward_site is not None and any(org.site != form.forward_site for org in orgs)
    if other and form.forward_api_key is None:
        what = "is not set, and ACCESSSYNC_FORWARD__SITE names a site that knows no other key"
        problems.append(wrong("ACCESSSYNC_FORWARD__API_KEY", what, fields["forward_api_key"]))
    for destination, name in (("file", "forward_file"), ("webhook", "forward_webhook_url")):
        if destination in form.forward_destinations and getattr(form, name) is None:
            what = f"is not set, and ACCESSSYNC_FORWARD__DESTINATIONS names {destination}"
            problems.append(wrong(str(fields[name].alias), what, fields[name]))
    return problems


def _own_url(form: Forwarding, org: OrgSettings) -> str | None:
    """The organization's own URL, unless it is a host of a Datadog site while another site is published to."""
    moved = form.forward_site is not None and form.forward_site != org.site
    if org.api_url and moved and is_datadog_host(urlsplit(org.api_url).hostname or ""):
        return None
    return org.api_url
