"""A plain client: what is really on the wire, with nothing interpreted."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from accesssync.sandbox import SandboxServer


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, and raw body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def ids(self) -> list[str]:
        """The ids in `data`."""
        return [each["id"] for each in self.json["data"]]

    @property
    def page(self) -> dict[str, Any]:
        """`meta.page`."""
        page: dict[str, Any] = self.json["meta"]["page"]
        return page


@dataclass
class Asker:
    """Asks one server, with both keys unless told otherwise."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    timeout: float = 5.0

    def get(
        self,
        path: str,
        asked: dict[str, object] | None = None,
        *,
        headers: dict[str, str] | None = None,
        **query: object,
    ) -> Answer:
        """GET; `page_size` and `page_number` stand for the names with brackets, others of that sort are `asked`."""
        names = {"page_size": "page[size]", "page_number": "page[number]", "status": "filter[status]"}
        text = urlencode({**{names.get(name, name): value for name, value in query.items()}, **(asked or {})})
        return self.send("GET", f"{path}?{text}" if text else path, headers=headers)

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, body: object = None) -> Answer:
        """Any request."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=self.timeout)
        try:
            sent = self.headers if headers is None else headers
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def listing(self, path: str = "/api/v2/users", size: int = 10, pages: int = 30) -> list[str]:
        """The ids on every page up to the first empty one."""
        ids: list[str] = []
        for number in range(pages):
            found = self.get(path, page_size=size, page_number=number).ids
            ids += found
            if not found:
                break
        return ids


def asker(server: SandboxServer, **more: str) -> Asker:
    """One with the server's keys."""
    return Asker(server.url, {"DD-API-KEY": server.api_key, "DD-APPLICATION-KEY": server.app_key, **more})
