"""The two ways in which every resource is read: page by page, and one record by its id."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from accesssync.datadog.decode import decode_one, decode_page
from accesssync.datadog.shape import Joined, Shape
from accesssync.datadog.transport import Call, Transport
from accesssync.errors import NotFoundError, ResponseError, UpstreamError
from accesssync.model.coverage import Resource
from accesssync.snapshot.source import Page, Record

R = TypeVar("R", bound=Record)


class Calls(Struct, frozen=True, kw_only=True):
    """Reads one resource of one organization. `permission` is what its endpoints need."""

    org: str
    transport: Transport
    resource: Resource
    permission: str

    def fetch(
        self, operation: str, kind: Shape[R] | Joined[R], send: Callable[[int, int], object]
    ) -> Callable[[int, int], Page[R]]:
        """What reads one page by its number and size."""

        def fetch(number: int, size: int) -> Page[R]:
            return self.transport.read(
                self._call(operation, lambda: send(number, size)), lambda body: decode_page(body, kind)
            )

        return fetch

    def get(
        self, operation: str, kind: Shape[R] | Joined[R], send: Callable[[str], object]
    ) -> Callable[[str], R | None]:
        """What reads one record by its id; None where Datadog knows it not."""

        def decode(body: bytes, identifier: str) -> R:
            record = decode_one(body, kind)
            if record.id != identifier:
                raise ResponseError("the answer is about another record than the one asked for", status=200)
            return record

        def get(identifier: str) -> R | None:
            self.check_addressable(identifier)
            try:
                return self.transport.read(
                    self._call(operation, lambda: send(identifier)), lambda body: decode(body, identifier)
                )
            except NotFoundError:
                return None

        return get

    def check_addressable(self, identifier: str) -> None:
        """Raise UpstreamError for an id that cannot stand in an address."""
        # Encoding leaves dots as they are, and these two would address something else altogether.
        if identifier in ("", ".", ".."):
            raise UpstreamError("a record with this id cannot be asked for", org=self.org, resource=self.resource)

    def _call(self, operation: str, send: Callable[[], object]) -> Call:
        return Call(operation=operation, resource=self.resource, permission=self.permission, send=send)
