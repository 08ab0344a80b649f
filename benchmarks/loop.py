"""What most scripts do: the official client's own loop over all users, with its models. It stores nothing."""

import os
from typing import Any

from datadog_api_client.api_client import ApiClient
from datadog_api_client.configuration import Configuration
from datadog_api_client.v2.api.users_api import UsersApi

from benchmarks.stopwatch import tell


def main() -> None:
    """List everybody once and count them."""
    # The client's own annotations leave much untyped.
    library: Any = {"configuration": Configuration, "client": ApiClient, "users": UsersApi}
    configuration = library["configuration"](host=os.environ["ACCESSSYNC_API_URL"])
    configuration.api_key = {"apiKeyAuth": os.environ["DD_API_KEY"], "appKeyAuth": os.environ["DD_APP_KEY"]}
    with library["client"](configuration) as client:
        users = library["users"](client)
        tell(lambda: sum(1 for _ in users.list_users_with_pagination(page_size=100)))


if __name__ == "__main__":
    main()
