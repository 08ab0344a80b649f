"""How access is listed in many a script: page by page, and the first page that is not full is the last."""

from http.client import HTTPConnection, HTTPException
from urllib.parse import quote, urlsplit

from msgspec import DecodeError, Struct, json

from accesssync.errors import UpstreamError
from accesssync.sandbox import SandboxInfo

SIZE = 100
"""Records asked for at once: the documented maximum."""


class _Named(Struct):
    id: str


class _Answer(Struct):
    data: list[_Named]


def list_plainly(sandbox: SandboxInfo) -> set[str]:
    """The ids of the users, as far as such a loop gets."""
    address = urlsplit(sandbox.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=30)
    headers = {"DD-API-KEY": sandbox.api_key, "DD-APPLICATION-KEY": sandbox.app_key}
    found: set[str] = set()
    number = 0
    try:
        while True:
            path = f"/api/v2/users?{quote('page[size]')}={SIZE}&{quote('page[number]')}={number}"
            connection.request("GET", path, headers=headers)
            users = json.decode(connection.getresponse().read(), type=_Answer).data
            found.update(user.id for user in users)
            if len(users) < SIZE:
                return found
            number += 1
    except (OSError, HTTPException, DecodeError) as error:
        raise UpstreamError(f"the sandbox gave the plain loop no usable answer ({type(error).__name__})") from error
    finally:
        connection.close()
