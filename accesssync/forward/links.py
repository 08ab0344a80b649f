"""Where in Datadog's own pages somebody looks at what is told."""

_USERS = "organization-settings/users?user_id="
_PAGES = {
    "identity": _USERS,
    "application_key": "organization-settings/application-keys?id=",
    "api_key": "organization-settings/api-keys?id=",
    "personal_access_token": "organization-settings/personal-access-tokens",
    "service_access_token": "organization-settings/service-accounts",
    "oauth_client": "organization-settings/oauth-apps",
    "role": "organization-settings/roles?role_id=",
    "team": "organization-settings/teams?team_id=",
    "mapping": "organization-settings/mappings",
}

_UNDER_APP = ("datadoghq.com", "datadoghq.eu", "ddog-gov.com")
"""Sites whose pages are at app.; those of the others are at the site itself."""


def page_of(site: str, kind: str, subject_id: str) -> str | None:
    """The page about a subject; None where Datadog has none. `kind` of a credential is its type."""
    page = _PAGES.get(kind)
    if page is None:
        return None
    host = f"app.{site}" if site in _UNDER_APP else site
    return f"https://{host}/{page}{subject_id if page.endswith('=') else ''}"
