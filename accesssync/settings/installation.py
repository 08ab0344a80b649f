"""Which organizations there are, with which keys, and where what is known of them is kept."""

from pathlib import Path

from pydantic import BaseModel, SecretStr

from accesssync.settings.declare import A_KEY, A_URL, setting
from accesssync.settings.organization import ORGS, OrgForm
from accesssync.settings.values import DatabaseUrl, Domains, Key, Operator, Resources, Site


def _default_database() -> SecretStr:
    from platformdirs import user_state_path

    return SecretStr(f"sqlite:///{user_state_path('accesssync', appauthor=False) / 'accesssync.db'}")


class Installation(BaseModel):
    """Which organizations there are, with which keys, and where what is known of them is kept."""

    site: Site = setting("DD_SITE", "datadoghq.com", "domain", "Datadog site of the only organization.", "datadoghq.eu")
    api_key: Key | None = setting("DD_API_KEY", None, "secret", "API key of the only organization.", A_KEY)
    app_key: Key | None = setting(
        "DD_APP_KEY", None, "secret", "Application key that reads the only organization.", A_KEY + "01234567"
    )
    orgs: dict[str, OrgForm] = setting(
        ORGS, dict, "organizations", "Several organizations by name, instead of the DD_ variables.", ""
    )
    api_url: str | None = setting(
        "ACCESSSYNC_API_URL",
        None,
        "URL",
        "Base URL of the API instead of the site's: loopback or a Datadog host.",
        A_URL,
    )
    allow_other_host: bool = setting(
        "ACCESSSYNC_ALLOW_OTHER_HOST", False, "true or false", "Whether any other host may be given the keys.", "true"
    )
    database_url: DatabaseUrl = setting(
        "ACCESSSYNC_DATABASE_URL",
        _default_database,
        "URL",
        "Where the history is stored.",
        "sqlite:////srv/accesssync.db",
    )
    skip: Resources = setting(
        "ACCESSSYNC_SKIP", frozenset(), "list of resources", "Resources not to be read on purpose.", "teams,api_keys"
    )
    audit_trail: bool = setting(
        "ACCESSSYNC_AUDIT_TRAIL",
        True,
        "true or false",
        "Whether Datadog's Audit Trail is asked who made changes, where the read key may (audit_logs_read).",
        "false",
    )
    org_domains: Domains = setting(
        "ACCESSSYNC_ORG_DOMAINS",
        frozenset(),
        "list of domains",
        "The organization's own e-mail domains; where unset, inferred from its users.",
        "example.com,example.org",
    )
    nhi_lexicon: Path | None = setting(
        "ACCESSSYNC_NHI_LEXICON",
        None,
        "file",
        "Changes to the words and points that tell machines from people, as TOML.",
        "/etc/accesssync/lexicon.toml",
    )
    governance_dir: Path | None = setting(
        "ACCESSSYNC_GOVERNANCE_DIR",
        None,
        "directory",
        "Files kept in version control, such as owners.yaml and decisions.yaml; they win over what was entered.",
        "/etc/accesssync/governance",
    )
    operator: Operator | None = setting(
        "ACCESSSYNC_OPERATOR",
        None,
        "name",
        "Who is acting, for decisions; where unset, the login name. --by overrides it.",
        "ada@example.com",
    )
    secrets_dir: Path | None = setting(
        "ACCESSSYNC_SECRETS_DIR",
        None,
        "directory",
        "Holds one file per setting, named as its variable.",
        "/run/secrets",
    )
