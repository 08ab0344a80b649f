"""Where in Datadog something is done: pages of its own application, by site."""

import re
from urllib.parse import quote

_PATHS = {
    "Organization Settings > Users": "/organization-settings/users",
    "Organization Settings > Roles": "/organization-settings/roles",
    "Organization Settings > Service Accounts": "/organization-settings/service-accounts",
    "Organization Settings > Application Keys": "/organization-settings/application-keys",
    "Organization Settings > API Keys": "/organization-settings/api-keys",
    "Organization Settings > Access Tokens": "/organization-settings/access-tokens",
    "Organization Settings > API Keys, Application Keys or Access Tokens": "/organization-settings/application-keys",
    "Organization Settings > SAML Group Mappings": "/organization-settings/mappings",
    "Organization Settings > OAuth Apps": "/organization-settings/oauth-applications",
    "Organization Settings > Login Methods": "/organization-settings/login-methods",
    "Teams": "/teams",
}
_ONE = {
    "/organization-settings/users": "user_id",
    "/organization-settings/service-accounts": "service_account_id",
}
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def application(site: str) -> str:
    """The address of Datadog's own pages at a site: `https://app.datadoghq.eu`, `https://us3.datadoghq.com`."""
    return f"https://app.{site}" if site.count(".") == 1 else f"https://{site}"


def address(site: str, place: str, kind: str = "", identity: str = "") -> str | None:
    """The page of a place such as `Organization Settings > Users`, of one identity where it has such a page.

    None where the place is not in Datadog.
    """
    path = _PATHS.get(place)
    if path is None:
        return None
    parameter = _ONE.get(path)
    if kind == "identity" and parameter and _ID.fullmatch(identity):
        return f"{application(site)}{path}?{parameter}={quote(identity)}"
    return application(site) + path
