"""Find, make, replace and take away what is installed in an organization: dashboards, pipelines, monitors, rules."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import count
from random import Random
from time import time
from typing import Any, Final

from msgspec import MsgspecError, Struct, json
from pydantic import SecretStr

from accesssync.datadog.connect import connect
from accesssync.datadog.endpoints import Endpoints
from accesssync.datadog.limits import Limits
from accesssync.datadog.permit import allowing
from accesssync.datadog.transport import Call, Doubt, Event, Rejection, Transport
from accesssync.errors import NotFoundError, ResponseError, UpstreamError
from accesssync.model.installed import MANAGED_BY, Body, Failed, Found, Kind
from accesssync.model.operation import NEEDS, Operation

_PAGE: Final = 100
_MONITORS: Final = 1000
_MOST_PAGES: Final = 500
_MISSING: Final = frozenset({404, 410})


class _Endpoint(Struct, frozen=True):
    """How one kind is reached. `page` asks for a page by its number, `records` finds its records."""

    operation: Operation
    page: Callable[[int], object] | None
    every: Callable[[], object] | None
    get: Callable[[str], object]
    create: Callable[[Body], object]
    replace: Callable[[str, Body], object]
    delete: Callable[[str], object]
    key: str | None
    whole: bool = True


class Installer:
    """One organization, with a key for what is installed there and nothing else. Safe to use from several threads."""

    def __init__(self, org: str, transport: Transport, api: Endpoints, close: Callable[[], None]) -> None:
        self._org = org
        self._transport = transport
        self._close = close
        self._endpoints = _endpoints(api)

    def close(self) -> None:
        """Close the connections. The installer must not be used afterwards."""
        self._close()

    def find(self, kind: Kind) -> list[Found]:
        """Every object of a kind that carries our mark, whole. Raises DeniedError, or another UpstreamError."""
        endpoint = self._endpoints[kind]
        found = {str(each.get("id")): each for each in self._listed(kind, endpoint) if _marked(each)}
        if endpoint.whole:
            return [Found(known_as, body) for known_as, body in found.items()]
        return [one for known_as in found if (one := self._whole(kind, endpoint, known_as)) is not None]

    def create(self, kind: Kind, body: Body) -> Found | Failed:
        """A new object."""
        endpoint = self._endpoints[kind]
        return self._saved(kind, lambda: endpoint.create(body))

    def replace(self, kind: Kind, known_as: str, body: Body) -> Found | Failed:
        """The object anew, under its id."""
        endpoint = self._endpoints[kind]
        return self._saved(kind, lambda: endpoint.replace(known_as, body))

    def delete(self, kind: Kind, known_as: str) -> Failed | None:
        """The object is gone; None also where it was gone already."""
        endpoint = self._endpoints[kind]
        answer = self._transport.write(self._call(kind, lambda: endpoint.delete(known_as)))
        if isinstance(answer, bytes) or (isinstance(answer, Rejection) and answer.status in _MISSING):
            return None
        # A pipeline that there is not is answered like a bad request.
        if isinstance(answer, Rejection) and answer.status == 400 and self._is_gone(kind, known_as):
            return None
        return _failed(answer)

    def _is_gone(self, kind: Kind, known_as: str) -> bool:
        return all(each.id != known_as for each in self.find(kind))

    def _listed(self, kind: Kind, endpoint: _Endpoint) -> Iterator[Body]:
        if endpoint.every is not None:
            yield from self._records(kind, endpoint, endpoint.every)
            return
        assert endpoint.page is not None  # noqa: S101 - one of the two is there
        ask = endpoint.page
        for number in count():
            if number >= _MOST_PAGES:
                raise UpstreamError(f"the list of {kind}s does not end", org=self._org, resource=kind)
            page = self._records(kind, endpoint, lambda number=number: ask(number))  # type: ignore[misc]
            # Not a page that is short: some come short and are not the last.
            if not page:
                return
            yield from page

    def _records(self, kind: Kind, endpoint: _Endpoint, send: Callable[[], object]) -> list[Body]:
        def decode(body: bytes) -> list[Body]:
            found = _json(body)
            records = found.get(endpoint.key) if endpoint.key and isinstance(found, Mapping) else found
            if not isinstance(records, list) or not all(isinstance(each, Mapping) for each in records):
                raise ResponseError("the answer is no list", status=200)
            return records

        return self._transport.read(self._call(kind, send), decode)

    def _whole(self, kind: Kind, endpoint: _Endpoint, known_as: str) -> Found | None:
        try:
            return self._transport.read(self._call(kind, lambda: endpoint.get(known_as)), _one)
        except NotFoundError:
            return None

    def _saved(self, kind: Kind, send: Callable[[], object]) -> Found | Failed:
        answer = self._transport.write(self._call(kind, send))
        if not isinstance(answer, bytes):
            return _failed(answer)
        try:
            return _one(answer)
        except ResponseError:
            return Failed("Datadog says that it is done, in an answer that cannot be understood", unsure=True)

    def _call(self, kind: Kind, send: Callable[[], object]) -> Call:
        operation = self._endpoints[kind].operation
        # The first of them is the one for reading.
        return Call(operation=operation, resource=kind, permission=NEEDS[operation][0], send=send)


def _failed(answer: Rejection | Doubt) -> Failed:
    if isinstance(answer, Doubt):
        return Failed(answer.message, unsure=True)
    passing = answer.status is None or answer.status in (401, 408, 409, 429) or answer.status >= 500
    return Failed(answer.message, refused=not passing)


def _json(body: bytes) -> Any:
    try:
        return json.decode(body)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        raise ResponseError("the answer is not JSON", status=200) from None


def _one(body: bytes) -> Found:
    found = _json(body)
    known_as = found.get("id") if isinstance(found, Mapping) else None
    if not isinstance(known_as, str | int) or not str(known_as):
        raise ResponseError("the answer names no object", status=200)
    return Found(str(known_as), found)


def _marked(body: Body) -> bool:
    tags = body.get("tags")
    return MANAGED_BY in str(body.get("description")) or (isinstance(tags, list) and MANAGED_BY in tags)


def _endpoints(api: Endpoints) -> dict[Kind, _Endpoint]:
    # Plain values go where the client's models are meant: what they hold was checked against those models.
    boards: Any = api.dashboards
    pipelines: Any = api.pipelines
    monitors: Any = api.monitors
    rules: Any = api.detection_rules
    return {
        Kind.DASHBOARD: _Endpoint(
            operation=Operation.WRITE_DASHBOARD,
            page=lambda number: boards.list_dashboards(count=_PAGE, start=number * _PAGE),
            every=None,
            get=boards.get_dashboard,
            create=boards.create_dashboard,
            replace=boards.update_dashboard,
            delete=boards.delete_dashboard,
            key="dashboards",
            whole=False,
        ),
        Kind.PIPELINE: _Endpoint(
            operation=Operation.WRITE_PIPELINE,
            page=None,
            every=pipelines.list_logs_pipelines,
            get=pipelines.get_logs_pipeline,
            create=pipelines.create_logs_pipeline,
            replace=pipelines.update_logs_pipeline,
            delete=pipelines.delete_logs_pipeline,
            key=None,
        ),
        Kind.MONITOR: _Endpoint(
            operation=Operation.WRITE_MONITOR,
            page=lambda number: monitors.list_monitors(monitor_tags=MANAGED_BY, page=number, page_size=_MONITORS),
            every=None,
            get=lambda known_as: monitors.get_monitor(int(known_as)),
            create=monitors.create_monitor,
            replace=lambda known_as, body: monitors.update_monitor(int(known_as), body),
            delete=lambda known_as: monitors.delete_monitor(int(known_as)),
            key=None,
        ),
        Kind.DETECTION_RULE: _Endpoint(
            operation=Operation.WRITE_DETECTION_RULE,
            page=lambda number: rules.list_security_monitoring_rules(page_size=_PAGE, page_number=number),
            every=None,
            get=rules.get_security_monitoring_rule,
            create=rules.create_security_monitoring_rule,
            replace=rules.update_security_monitoring_rule,
            delete=rules.delete_security_monitoring_rule,
            key="data",
        ),
    }


def open_installer(
    *,
    org: str,
    site: str,
    api_key: SecretStr,
    app_key: SecretStr,
    allowed: Collection[Operation],
    setting: str,
    api_url: str | None = None,
    allow_other_host: bool = False,
    limits: Limits | None = None,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    now: Callable[[], float] = time,
    rng: Random,
    on_event: Callable[[Event], None],
) -> Installer:
    """Prepare to install in one organization; nothing is sent yet. `app_key` is the publishing key.

    `setting` is where `allowed` comes from, for people. Raises ConfigurationError for a host that the rules forbid and
    for keys that cannot be sent.
    """
    connected = connect(
        org=org,
        site=site,
        api_key=api_key,
        app_key=app_key,
        api_url=api_url,
        allow_other_host=allow_other_host,
        concurrency=1,
        limits=limits or Limits(),
        permit=allowing(allowed, setting),
        sleep=sleep,
        clock=clock,
        now=now,
        rng=rng,
        on_event=on_event,
        on_answer=lambda _status: None,
        check_bodies=False,
    )
    return Installer(org, connected.transport, Endpoints(connected.client), connected.client.close)
