"""What the operator decides, read from the environment, an env file and mounted secrets.

This is the only module that reads the environment. Until `load` has merged the sources, every setting is a
string under the name of its variable, so that each complaint can name the variable as it was written.
"""

import difflib
import io
import os
import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, cast
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from accesssync.datadog.sites import SITES, api_base
from accesssync.errors import ConfigurationError, UsageError
from accesssync.model.coverage import Resource
from accesssync.model.operation import Operation
from accesssync.model.schedule import parse_schedule

SKIPPABLE = frozenset(str(resource) for resource in Resource) | {
    "application_keys",
    "api_keys",
    "access_tokens",
    "oauth_clients",
    "teams",
    "team_memberships",
    "authn_mappings",
}
"""What may be left out on purpose, by its name in coverage."""

_FOLLOW_USERS = frozenset({"service_accounts", "grants"})
_NO_NAMES = "none"
_MOST_BYTES = 2**22
"""Of an env file or a secret: room for ten thousand organizations."""

_ORG_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(\.[\w-]{1,63})+")
_ORGS = "ACCESSSYNC_ORGS"
_SINGLE = ("DD_SITE", "DD_API_KEY", "DD_APP_KEY")
_A_KEY = "0123456789abcdef0123456789abcdef"
_A_URL = "https://api.datadoghq.eu"
_PUBLIC_KEY_BYTES = 32
_A_PUBLIC_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_SOME_OPERATIONS = "create_user,send_invitation,grant_role"


def _site(value: str) -> str:
    site = value.strip().lower()
    if site not in SITES:
        # Only the suggestion is shown, never the value: a key may have been pasted into the wrong variable.
        near = difflib.get_close_matches(site.removeprefix("https://").removeprefix("app."), SITES, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"is none of the Datadog sites {', '.join(SITES)}{hint}")
    return site


def _key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if re.search(r"\s", text):
        raise ValueError("contains a space or a line break")
    if not text.isascii() or not text.isprintable():
        raise ValueError("contains a character that no key has")
    if text[:1] in ("", '"', "'"):
        raise ValueError("is empty or in quotation marks, which would be sent as part of the key")
    return value


def _database(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isprintable():
        raise ValueError("contains a line break or another control character")
    if not re.fullmatch(r"sqlite:///[^?]+|postgresql\+psycopg://.+", text):
        raise ValueError("must be sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME")
    if text.startswith(("sqlite:///:memory:", "sqlite:///file:")):
        raise ValueError("must name a file, because a database in memory is lost when the command ends")
    return value


def _names(value: object) -> frozenset[str] | None:
    """The names of a list in small letters, `none` alone meaning that there are none; None for what is no list."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple | set | frozenset):
        return None
    chosen = frozenset(name for name in (str(part).strip().lower() for part in parts) if name)
    # An empty value counts as unset, so an organization needs a word to say that a global list is not for it.
    return chosen - {_NO_NAMES} if len(chosen) == 1 else chosen


def _resources(value: object) -> object:
    chosen = _names(value)
    if chosen is None:
        return value
    for name in sorted(chosen & _FOLLOW_USERS):
        raise ValueError(f"names {name}, which are read with users and cannot be left out alone")
    for name in sorted(chosen - SKIPPABLE):
        raise ValueError(f"names {_shown(name)}, which is none of {', '.join(sorted(SKIPPABLE))}")
    return chosen


def _operations(value: object) -> object:
    chosen = _names(value)
    if chosen is None:
        return value
    for name in sorted(chosen - set(Operation)):
        which, near = _shown(name), difflib.get_close_matches(name, list(Operation), 1, cutoff=0.5)
        if near and which == name:
            raise ValueError(f"names {name}, which is no write operation (did you mean {near[0]}?)")
        raise ValueError(f"names {which}, which is none of {', '.join(Operation)}")
    return frozenset(Operation(name) for name in chosen)


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[a-z_ -]{1,40}", name) else "something"  # digits: perhaps a misplaced key


def _domains(value: object) -> object:
    chosen = _names(value)
    if chosen is None:
        return value
    chosen = frozenset(name.rstrip(".") for name in chosen)
    if not all(_DOMAIN.fullmatch(name) for name in chosen):
        raise ValueError("names something that is no e-mail domain")
    return chosen


def _schedule(value: str) -> str:
    return parse_schedule(value).text


def _listening(value: str) -> str:
    text = value.strip().lower()
    host, colon, port = text.rpartition(":")
    if text != "off" and not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("must be an address and a port, or off")
    return text


def _people(value: object) -> object:
    chosen = _names(value)
    if chosen is None:
        return value
    if not all(len(name) <= 320 and name.isprintable() for name in chosen):
        raise ValueError("names something that is neither an address nor an id")
    return chosen


def _paths(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(Path(part.strip()) for part in value.split(",") if part.strip())


def _approvers(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in value.split(","))):
        name, _, key = part.partition("=")
        try:
            fits = len(b64decode(key.strip(), validate=True)) == _PUBLIC_KEY_BYTES
        except (ValueError, NoBase64):
            fits = False
        if not fits or not name.strip() or not name.isprintable():
            raise ValueError("must be NAME=KEY, the key being the 32 bytes of an Ed25519 public key in base64")
        keys[name.strip()] = key.strip()
    return keys


def _operator(value: str) -> str:
    name = value.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise ValueError("must be a name of at most 200 printable characters")
    return name


Site = Annotated[str, AfterValidator(_site)]
Key = Annotated[SecretStr, AfterValidator(_key)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
Domains = Annotated[frozenset[str], BeforeValidator(_domains)]
People = Annotated[frozenset[str], BeforeValidator(_people)]
Approvers = Annotated[dict[str, str], BeforeValidator(_approvers)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_paths)]
Operations = Annotated[frozenset[Operation], BeforeValidator(_operations)]
Listening = Annotated[str, AfterValidator(_listening)]
Operator = Annotated[str, AfterValidator(_operator)]
Resources = Annotated[frozenset[str], BeforeValidator(_resources)]
ScheduleText = Annotated[str, AfterValidator(_schedule)]


def _default_database() -> SecretStr:
    from platformdirs import user_state_path

    return SecretStr(f"sqlite:///{user_state_path('accesssync', appauthor=False) / 'accesssync.db'}")


def _setting(variable: str, default: Any, unit: str, description: str, example: object, **limits: Any) -> Any:
    """A setting: its variable, what it means and in which unit, and a value that shows how it is written."""
    limits["default_factory" if callable(default) else "default"] = default
    extra = {"unit": unit, **{name: limit for name, limit in limits.items() if name in ("ge", "le")}}
    return Field(alias=variable, description=description, examples=[str(example)], json_schema_extra=extra, **limits)


def _password(url: str) -> list[str]:
    """The password of a database URL, as it is written there and as it is sent."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return [url]
    return [password, unquote(password)] if password else []


class OrgForm(BaseModel):
    """The settings of one organization as they were given; what is absent falls back to the global one."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid", hide_input_in_errors=True)

    site: Site = _setting("SITE", "datadoghq.com", "domain", "Datadog site of this organization.", "datadoghq.eu")
    api_key: Key | None = _setting("API_KEY", None, "secret", "API key of this organization.", _A_KEY)
    app_key: Key | None = _setting("APP_KEY", None, "secret", "Application key that reads it.", _A_KEY + "01234567")
    provision_app_key: Key | None = _setting(
        "PROVISION_APP_KEY", None, "secret", "Overrides ACCESSSYNC_PROVISION_APP_KEY.", _A_KEY + "76543210"
    )
    allowed_operations: Operations | None = _setting(
        "ALLOWED_OPERATIONS", None, "list of operations", "Overrides ACCESSSYNC_ALLOWED_OPERATIONS.", _SOME_OPERATIONS
    )
    api_url: str | None = _setting("API_URL", None, "URL", "Overrides ACCESSSYNC_API_URL.", _A_URL)
    skip: Resources | None = _setting("SKIP", None, "list of resources", "Overrides ACCESSSYNC_SKIP.", "teams,api_keys")
    org_domains: Domains | None = _setting(
        "ORG_DOMAINS", None, "list of domains", "Overrides ACCESSSYNC_ORG_DOMAINS.", "example.com,example.org"
    )


@dataclass(frozen=True)
class Problem:
    """What is wrong with one variable, in words that follow its name, and what to do. Holds no value."""

    variable: str
    what: str
    remedy: str


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
            _refuse(self.missing())
        return self.api_key.get_secret_value(), self.app_key.get_secret_value()

    def variable(self, setting: str) -> str:
        """The variable of a setting that every organization may have for itself, by its name there."""
        return ("ACCESSSYNC_" if self.prefix == "DD_" else self.prefix) + setting

    def missing(self) -> list[Problem]:
        """One problem for each key that reading this organization needs and that is not set."""
        given = {"API_KEY": self.api_key, "APP_KEY": self.app_key}
        what = f"is not set, and reading the organization {self.name} needs it"
        return [_problem(self.prefix + key, what) for key, value in given.items() if value is None]


class Settings(BaseSettings):
    """Every setting, validated. Made by `load`; the class itself reads nothing, so a test can make one by field."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, extra="forbid", hide_input_in_errors=True)

    site: Site = _setting(
        "DD_SITE", "datadoghq.com", "domain", "Datadog site of the only organization.", "datadoghq.eu"
    )
    api_key: Key | None = _setting("DD_API_KEY", None, "secret", "API key of the only organization.", _A_KEY)
    app_key: Key | None = _setting(
        "DD_APP_KEY", None, "secret", "Application key that reads the only organization.", _A_KEY + "01234567"
    )
    provision_app_key: Key | None = _setting(
        "ACCESSSYNC_PROVISION_APP_KEY",
        None,
        "secret",
        "Application key that writes and does nothing else; where unset, nothing is provisioned.",
        _A_KEY + "76543210",
    )
    allowed_operations: Operations = _setting(
        "ACCESSSYNC_ALLOWED_OPERATIONS",
        frozenset(),
        "list of operations",
        "Write operations that may be sent; every other is refused before anything is sent.",
        _SOME_OPERATIONS,
    )
    allow_unscoped_key: bool = _setting(
        "ACCESSSYNC_ALLOW_UNSCOPED_KEY",
        False,
        "true or false",
        "Whether a provisioning key may write whose scopes are none or unknown.",
        "true",
    )
    guard_removal_share: int = _setting(
        "ACCESSSYNC_GUARD_REMOVAL_SHARE",
        20,
        "percent",
        "Share of the enabled user records from which a day's plans may take something.",
        20,
        ge=1,
        le=100,
    )
    guard_removals: int = _setting(
        "ACCESSSYNC_GUARD_REMOVALS",
        25,
        "removals",
        "Disabled users and revoked roles that a day's plans may come to; below ten users it is 1.",
        25,
        ge=0,
        le=100_000,
    )
    guard_privileged: int = _setting(
        "ACCESSSYNC_GUARD_PRIVILEGED",
        5,
        "changes",
        "Changes of privileged access, given or taken, that a day's plans may come to.",
        5,
        ge=0,
        le=10_000,
    )
    min_admins: int = _setting(
        "ACCESSSYNC_MIN_ADMINS", 2, "people", "Active admins that no plan may go below.", 2, ge=1, le=1000
    )
    required_admins: People = _setting(
        "ACCESSSYNC_REQUIRED_ADMINS",
        frozenset(),
        "list of people",
        "Addresses or ids of admins who stay admins whatever a file says.",
        "ada@example.com,bob@example.com",
    )
    protected: People = _setting(
        "ACCESSSYNC_PROTECTED",
        frozenset(),
        "list of people",
        "Addresses, ids and names of service accounts from whom nothing is ever taken.",
        "break-glass@example.com",
    )
    saml_conflict: Literal["warn", "refuse"] = _setting(
        "ACCESSSYNC_SAML_CONFLICT",
        "warn",
        "warn or refuse",
        "What a plan does where a SAML mapping would undo it at the next login.",
        "refuse",
    )
    approval: Literal["never", "privileged", "removals", "always"] = _setting(
        "ACCESSSYNC_APPROVAL",
        "never",
        "never, privileged, removals or always",
        "Which plans somebody else than their author has to approve.",
        "privileged",
    )
    approvers: Approvers = _setting(
        "ACCESSSYNC_APPROVERS",
        dict,
        "list of NAME=KEY",
        "Who may approve, each with an Ed25519 public key in base64; where unset, approvals are declared.",
        f"ada@example.com={_A_PUBLIC_KEY}",
    )
    access_files: Paths = _setting(
        "ACCESSSYNC_ACCESS_FILES",
        (),
        "list of files",
        "Access files that reconciling plans from.",
        "/srv/access/default.yaml",
    )
    reconcile_apply: bool = _setting(
        "ACCESSSYNC_RECONCILE_APPLY",
        False,
        "true or false",
        "Whether reconciling applies what only adds and no guard refuses, instead of only planning.",
        "true",
    )
    orgs: dict[str, OrgForm] = _setting(
        _ORGS, dict, "organizations", "Several organizations by name, instead of the DD_ variables.", ""
    )
    api_url: str | None = _setting(
        "ACCESSSYNC_API_URL",
        None,
        "URL",
        "Base URL of the API instead of the site's: loopback or a Datadog host.",
        _A_URL,
    )
    allow_other_host: bool = _setting(
        "ACCESSSYNC_ALLOW_OTHER_HOST", False, "true or false", "Whether any other host may be given the keys.", "true"
    )
    database_url: DatabaseUrl = _setting(
        "ACCESSSYNC_DATABASE_URL",
        _default_database,
        "URL",
        "Where the history is stored.",
        "sqlite:////srv/accesssync.db",
    )
    skip: Resources = _setting(
        "ACCESSSYNC_SKIP", frozenset(), "list of resources", "Resources not to be read on purpose.", "teams,api_keys"
    )
    org_domains: Domains = _setting(
        "ACCESSSYNC_ORG_DOMAINS",
        frozenset(),
        "list of domains",
        "The organization's own e-mail domains; where unset, inferred from its users.",
        "example.com,example.org",
    )
    nhi_lexicon: Path | None = _setting(
        "ACCESSSYNC_NHI_LEXICON",
        None,
        "file",
        "Changes to the words and points that tell machines from people, as TOML.",
        "/etc/accesssync/lexicon.toml",
    )
    governance_dir: Path | None = _setting(
        "ACCESSSYNC_GOVERNANCE_DIR",
        None,
        "directory",
        "Files kept in version control, such as owners.yaml and decisions.yaml; they win over what was entered.",
        "/etc/accesssync/governance",
    )
    operator: Operator | None = _setting(
        "ACCESSSYNC_OPERATOR",
        None,
        "name",
        "Who is acting, for decisions; where unset, the login name. --by overrides it.",
        "ada@example.com",
    )
    secrets_dir: Path | None = _setting(
        "ACCESSSYNC_SECRETS_DIR",
        None,
        "directory",
        "Holds one file per setting, named as its variable.",
        "/run/secrets",
    )
    concurrency: int = _setting(
        "ACCESSSYNC_CONCURRENCY", 8, "requests", "Requests under way at once per organization.", 8, ge=1, le=32
    )
    page_size: int = _setting(
        "ACCESSSYNC_PAGE_SIZE",
        1000,
        "records",
        "Largest page asked for where the API allows over 100.",
        1000,
        ge=1,
        le=5000,
    )
    connect_timeout: float = _setting(
        "ACCESSSYNC_CONNECT_TIMEOUT", 5.0, "seconds", "How long a connection may take to open.", 5, ge=0.1, le=120
    )
    read_timeout: float = _setting(
        "ACCESSSYNC_READ_TIMEOUT", 30.0, "seconds", "How long an open connection may stay silent.", 30, ge=0.1, le=600
    )
    request_deadline: float = _setting(
        "ACCESSSYNC_REQUEST_DEADLINE", 60.0, "seconds", "How long one attempt of a request may take.", 60, ge=1, le=3600
    )
    run_deadline: float = _setting(
        "ACCESSSYNC_RUN_DEADLINE",
        1800.0,
        "seconds",
        "How long a run of one organization may take.",
        1800,
        ge=1,
        le=86400,
    )
    max_attempts: int = _setting(
        "ACCESSSYNC_MAX_ATTEMPTS", 5, "attempts", "How often one request is tried before it has failed.", 5, ge=1, le=20
    )
    max_rate_limit_wait: float = _setting(
        "ACCESSSYNC_MAX_RATE_LIMIT_WAIT",
        300.0,
        "seconds",
        "What a run may wait for the rate limit.",
        300,
        ge=0,
        le=86400,
    )
    rate_limit_share: int = _setting(
        "ACCESSSYNC_RATE_LIMIT_SHARE", 20, "percent", "Share of the rate limit that is left to others.", 20, ge=0, le=90
    )
    listing_passes: int = _setting(
        "ACCESSSYNC_LISTING_PASSES", 3, "passes", "How often a listing is read to prove it complete.", 3, ge=1, le=10
    )
    max_body_bytes: int = _setting(
        "ACCESSSYNC_MAX_BODY_BYTES",
        2**25,
        "bytes",
        "Largest answer read, once decompressed.",
        2**25,
        ge=2**16,
        le=2**30,
    )
    schedule_sync: ScheduleText = _setting(
        "ACCESSSYNC_SCHEDULE__SYNC", "every 60m", "schedule", "When each organization is observed.", "every 60m"
    )
    schedule_evaluate: ScheduleText = _setting(
        "ACCESSSYNC_SCHEDULE__EVALUATE",
        "every 6h",
        "schedule",
        "When every check runs again between syncs: some findings come of time alone.",
        "0 6 * * 1-5",
    )
    schedule_plan: ScheduleText = _setting(
        "ACCESSSYNC_SCHEDULE__PLAN",
        "every 6h",
        "schedule",
        "When the access files are planned from, where ACCESSSYNC_ACCESS_FILES names any.",
        "every 1h",
    )
    schedule_watch: ScheduleText = _setting(
        "ACCESSSYNC_SCHEDULE__WATCH",
        "off",
        "schedule",
        "When to look, in a few requests, for new holders of the most harmful permissions and for new keys.",
        "every 5m",
    )
    schedule_retention: ScheduleText = _setting(
        "ACCESSSYNC_SCHEDULE__RETENTION",
        "every 1d",
        "schedule",
        "When what is older than its retention is deleted.",
        "30 3 * * 0",
    )
    worker_mode: Literal["local", "queue"] = _setting(
        "ACCESSSYNC_WORKER__MODE",
        "local",
        "local or queue",
        "Whether one process does everything, or any number share it through PostgreSQL.",
        "queue",
    )
    worker_slots: int = _setting(
        "ACCESSSYNC_WORKER__SLOTS", 4, "jobs", "Jobs under way at once in local mode.", 4, ge=1, le=64
    )
    worker_health: Listening = _setting(
        "ACCESSSYNC_WORKER__HEALTH",
        "127.0.0.1:8421",
        "address and port, or off",
        "Where /healthz, /readyz and /metrics answer.",
        "0.0.0.0:8421",
    )
    worker_stop_seconds: float = _setting(
        "ACCESSSYNC_WORKER__STOP_SECONDS",
        4.0,
        "seconds",
        "How long work in hand may take to come to an end after SIGTERM.",
        4,
        ge=0.1,
        le=3600,
    )
    worker_grace: float = _setting(
        "ACCESSSYNC_WORKER__GRACE",
        60.0,
        "seconds",
        "How long a job may go on after its deadline before the worker calls itself unhealthy.",
        60,
        ge=0.1,
        le=3600,
    )
    worker_end_when_stuck: bool = _setting(
        "ACCESSSYNC_WORKER__END_WHEN_STUCK",
        False,
        "true or false",
        "Whether the worker ends with code 1 when a job does not stop, so that it is started again.",
        "true",
    )
    worker_longest_wait: float = _setting(
        "ACCESSSYNC_WORKER__LONGEST_WAIT",
        60.0,
        "seconds",
        "What a job may wait for the rate limit at a time; for longer it makes room and comes back.",
        60,
        ge=0,
        le=3600,
    )
    worker_backoff_cap: float = _setting(
        "ACCESSSYNC_WORKER__BACKOFF_CAP",
        86400.0,
        "seconds",
        "The longest pause between two tries of an organization that keeps failing.",
        86400,
        ge=1,
        le=2678400,
    )
    worker_heartbeat: float = _setting(
        "ACCESSSYNC_WORKER__HEARTBEAT",
        10.0,
        "seconds",
        "How often a worker in queue mode says that it lives; after three times as long it is given up.",
        10,
        ge=0.5,
        le=600,
    )
    retention_history: int = _setting(
        "ACCESSSYNC_RETENTION__HISTORY",
        25,
        "months",
        "How long a fact that holds no more is kept; 0 for ever.",
        25,
        ge=0,
        le=1200,
    )
    retention_changes: int = _setting(
        "ACCESSSYNC_RETENTION__CHANGES", 25, "months", "How long changes are kept; 0 for ever.", 25, ge=0, le=1200
    )
    retention_activity: int = _setting(
        "ACCESSSYNC_RETENTION__ACTIVITY",
        25,
        "months",
        "How long former times of login and use are kept; 0 for ever.",
        25,
        ge=0,
        le=1200,
    )
    retention_runs: int = _setting(
        "ACCESSSYNC_RETENTION__RUNS",
        25,
        "months",
        "How long the record of a run that nothing refers to is kept; 0 for ever.",
        25,
        ge=0,
        le=1200,
    )
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
        return [*texts, *_password(self.database_url.get_secret_value())]

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
            _refuse(problems)
        return chosen

    def _resolved(self) -> tuple[dict[str, OrgSettings], list[Problem]]:
        known, problems = {}, []
        single = OrgForm(site=self.site, api_key=self.api_key, app_key=self.app_key)
        for name, form in (self.orgs or {"default": single}).items():
            api_url = form.api_url or self.api_url
            prefix = f"{_ORGS}__{name.upper()}__" if self.orgs else "DD_"
            base = ""
            try:
                base = api_base(form.site, api_url, self.allow_other_host)
            except ConfigurationError as error:
                variable = prefix + "API_URL" if form.api_url else "ACCESSSYNC_API_URL"
                problems.append(_problem(variable, error.message.removeprefix("the API URL ")))
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


_FIELDS: dict[str, FieldInfo] = {
    str(each.alias): each for each in Settings.model_fields.values() if each.alias != _ORGS
}
_ORG_FIELDS: dict[str, FieldInfo] = {str(each.alias): each for each in OrgForm.model_fields.values()}


def service_manager(environ: Mapping[str, str] | None = None) -> tuple[str | None, float | None]:
    """What systemd tells the programs it starts: the socket to notify, and the seconds within which it wants signs
    of life. None for what it does not ask for."""
    given = os.environ if environ is None else environ
    watchdog = given.get("WATCHDOG_USEC", "")
    mine = given.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
    return given.get("NOTIFY_SOCKET") or None, int(watchdog) / 1e6 if watchdog.isdigit() and mine else None


def load(env_file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings: the environment, then `env_file` (or .env where there is one), then the secrets directory.

    Raises ConfigurationError that names the variable as it was written and gives a right value. Several
    problems make one error: the first in full, the others by name.
    """
    given = _Given.gather(env_file, os.environ if environ is None else environ)
    settings, problems = None, list(given.problems)
    try:
        settings = Settings(**given.nested())
    except ValidationError as invalid:
        problems += [_explain(error) for error in invalid.errors(include_input=False, include_url=False)]
    # Raised out here because an error raised above would carry pydantic's, which holds the values.
    if settings is not None:
        problems += settings._resolved()[1]
    if settings is None or problems:
        _refuse([Problem(given.written.get(each.variable, each.variable), each.what, each.remedy) for each in problems])
    settings._warnings = tuple(given.warnings)
    return settings


@dataclass
class _Given:
    """What the sources say: values by variable in capitals, and how and where each variable was written."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    written: dict[str, str] = field(default_factory=dict)
    orgs: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def gather(cls, env_file: Path | None, environ: Mapping[str, str]) -> "_Given":
        given = cls()
        given._add(environ.items(), "")
        path = env_file or Path(".env")
        if env_file or path.is_file():
            given._add(_env_file(path), f" (in {path})")
        if directory := given.values.get("ACCESSSYNC_SECRETS_DIR"):
            given._add(_secrets(Path(directory)), f" (in {directory})")
        given._sort_out()
        return given

    def nested(self) -> dict[str, Any]:
        return {name: value for name, value in self.values.items() if name in _FIELDS} | {_ORGS: self.orgs}

    def _add(self, pairs: Any, where: str) -> None:
        for name, value in sorted(pairs):
            variable = name.upper()
            if value and variable not in self.values and (variable in _SINGLE or variable.startswith("ACCESSSYNC_")):
                self.values[variable] = value
                self.written[variable] = name + where

    def _sort_out(self) -> None:
        for variable in [name for name in self.values if name not in _FIELDS]:
            org, _, setting = variable.removeprefix(_ORGS + "__").rpartition("__")
            if not variable.startswith(_ORGS + "__") or not org or setting not in _ORG_FIELDS:
                self.warnings.append(f"{self.written[variable]} is not a setting and is ignored{_nearest(variable)}")
            elif not _ORG_NAME.fullmatch(org.lower()):
                what = "names its organization with other than a-z, 0-9, - and _, or with more than 63 of them"
                self.problems.append(Problem(variable, what, f"for example {_ORGS}__EMEA__{setting}"))
            else:
                self.orgs.setdefault(org.lower(), {})[setting] = self.values[variable]
        replaced = [name for name in _SINGLE if self.orgs and name in self.values]
        if replaced:
            self.values = {name: value for name, value in self.values.items() if name not in replaced}
            names = ", ".join(self.written[name] for name in replaced)
            self.warnings.append(f"ignored because {_ORGS}__... variables are set: {names}")
        self.warnings.sort()


def _env_file(path: Path) -> Iterator[tuple[str, str]]:
    from dotenv.parser import parse_stream

    try:
        text = _text(path)
    except OSError as error:
        raise ConfigurationError(f"the env file {path} cannot be read: {error.strerror}") from None
    pairs = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            blank = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string[:blank].count("\n")
            raise ConfigurationError(f"line {line} of the env file {path} is not NAME=VALUE")
        if binding.key and binding.value:
            pairs[binding.key] = binding.value
    yield from pairs.items()


def _secrets(directory: Path) -> Iterator[tuple[str, str]]:
    try:
        for path in directory.iterdir():
            if path.name.upper().startswith(("DD_", "ACCESSSYNC_")) and path.is_file():
                yield path.name, _text(path).strip()
    except OSError as error:
        what = f"names a directory that cannot be read: {error.filename}: {error.strerror}"
        _refuse([_problem("ACCESSSYNC_SECRETS_DIR", what)])


def _text(path: Path) -> str:
    # Not a strict decode: its exception would carry the whole file, keys and all, into a traceback.
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1).decode("utf-8-sig", errors="replace")
    if "\ufffd" in text:
        raise ConfigurationError(f"the file {path} is not UTF-8 text")
    if len(text) > _MOST_BYTES:
        raise ConfigurationError(f"the file {path} is larger than {_MOST_BYTES:,} bytes")
    return text


def _explain(error: Any) -> Problem:
    """Say in our own words what pydantic found, without the value."""
    where = error["loc"][: 3 if error["loc"][0] == _ORGS else 1]
    variable = "__".join(str(part).upper() for part in where)
    if error["type"] == "value_error":
        return _problem(variable, str(error["ctx"]["error"]))
    setting = _field(variable)
    if setting.annotation is bool:
        return _problem(variable, "must be true or false")
    if setting.annotation not in (int, float):
        return _problem(variable, error["msg"])
    number = "a whole number" if setting.annotation is int else "a number"
    bounds = dict(cast("dict[str, Any]", setting.json_schema_extra))
    return _problem(variable, f"must be {number} of {bounds['unit']} from {bounds['ge']:,} to {bounds['le']:,}")


def _field(variable: str) -> FieldInfo:
    return _FIELDS.get(variable) or _ORG_FIELDS[variable.rpartition("__")[2]]


def _problem(variable: str, what: str) -> Problem:
    return Problem(variable, what, f"for example {variable}={(_field(variable).examples or [''])[0]}")


def _nearest(variable: str) -> str:
    org, _, setting = variable.rpartition("__")
    if org.startswith(_ORGS + "__"):
        near = [f"{org}__{match}" for match in difflib.get_close_matches(setting, _ORG_FIELDS, 1)]
    else:
        near = difflib.get_close_matches(variable, _FIELDS, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _refuse(problems: Sequence[Problem]) -> NoReturn:
    first, *others = problems
    more = f" (and {len(others)} more: {', '.join(other.variable for other in others)})" if others else ""
    raise ConfigurationError(f"{first.variable} {first.what}{more}", remedy=first.remedy)
