"""Build the official client so that nothing outside its arguments decides where the keys go."""

from typing import Any

from datadog_api_client.api_client import ApiClient
from datadog_api_client.configuration import Configuration
from pydantic import SecretStr

from accesssync import __version__
from accesssync.datadog.connection import Rest
from accesssync.datadog.limits import Limits
from accesssync.datadog.permit import Permit, only_reading
from accesssync.datadog.sites import api_base
from accesssync.errors import ConfigurationError


class Client(ApiClient):
    """The official client over our own HTTP layer; its endpoint methods return the unread HTTP answer."""

    rest_client: Rest

    def __init__(
        self, configuration: Configuration, *, concurrency: int, limits: Limits, permit: Permit = only_reading
    ) -> None:
        self._concurrency = concurrency
        self._limits = limits
        self._permit = permit
        super().__init__(configuration)
        self.user_agent = f"accesssync/{__version__}"

    def _build_rest_client(self) -> Rest:
        return Rest(self.configuration, concurrency=self._concurrency, limits=self._limits, permit=self._permit)


def build_client(
    *,
    site: str,
    api_key: SecretStr,
    app_key: SecretStr | None,
    api_url: str | None = None,
    allow_other_host: bool = False,
    concurrency: int = 8,
    limits: Limits | None = None,
    permit: Permit = only_reading,
    check_bodies: bool = True,
) -> Client:
    """A client that sends these two keys to this one host and nothing else anywhere, and only what `permit` lets out.

    Without `app_key` the API key goes alone. Unless it is to `check_bodies`, what is sent need not be made of the
    client's models: plain values, and files for bytes in their final form.

    Raises ConfigurationError for a host that the rules forbid and for keys that cannot be sent as a header.
    """
    limits = limits or Limits()
    configuration = _configuration(site, api_base(site, api_url, allow_other_host), api_url is not None)
    # After construction and as a whole: the constructor fills every gap from DD_* in the environment.
    configuration.api_key = {"apiKeyAuth": _sendable("API key", api_key)}
    if app_key is not None:
        configuration.api_key["appKeyAuth"] = _sendable("application key", app_key)
    configuration.check_input_type = check_bodies
    configuration.access_token = None
    configuration.refresh_api_key_hook = None
    configuration.delegated_auth_provider = None
    configuration.delegated_auth_org_uuid = None
    return Client(configuration, concurrency=concurrency, limits=limits, permit=permit)


def _configuration(site: str, base: str, other_host: bool) -> Configuration:
    settings: dict[str, Any] = {"preload_content": False, "check_return_type": False}
    if other_host:
        configuration = Configuration(host=base, **settings)  # type: ignore[no-untyped-call]
        configuration.server_variables = {}
    else:
        # Not a fixed host: operations that live on another host of the site must still find it.
        configuration = Configuration(**settings)  # type: ignore[no-untyped-call]
        configuration.server_variables = {"site": site}
    configuration.server_operation_index = {}
    configuration.server_operation_variables = {}
    configuration.proxy = None
    configuration.verify_ssl = True
    return configuration


def _sendable(name: str, key: SecretStr) -> str:
    value = key.get_secret_value()
    # Anything else would fail inside the HTTP library, in an error that quotes the value.
    if not value or not all("!" <= character <= "~" for character in value):
        raise ConfigurationError(
            f"the {name} is empty or holds characters that no key has",
            remedy="copy it again, without spaces, quotes or line breaks",
        )
    return value
