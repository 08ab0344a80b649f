"""HTTP that cannot be dragged out, redirected or made to read more than was asked for.

The official client's own HTTP layer follows redirects with the keys, repeats requests by itself and raises
errors before an error body can be bounded. This one does none of that: one call is at most one request, and
whatever status comes back is returned.
"""

import json
import logging
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from datadog_api_client.configuration import Configuration
from datadog_api_client.rest import RESTClientObject

from accesssync.datadog.exchange import Answer, PlainPool, Pool, TlsPool, current_deadline, current_sending
from accesssync.datadog.limits import Limits
from accesssync.datadog.permit import Permit


class Rest(RESTClientObject):
    """The HTTP layer under the official client. Sends only what `permit` lets through; the rest is refused unsent."""

    def __init__(self, configuration: Configuration, *, concurrency: int, limits: Limits, permit: Permit) -> None:
        # As many kept connections as callers, else urllib3 throws connections away and complains each time.
        super().__init__(configuration, maxsize=concurrency)  # type: ignore[no-untyped-call]
        self._limits = limits
        self._permit = permit
        self.pool_manager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}
        # Reading the trusted certificates takes longer than many a whole run against a loopback address.
        if configuration.host.startswith("https:"):
            self.pool_manager.connection_pool_kw["ssl_context"] = _tls()
        # urllib3 reports malformed response headers by quoting them, and a response may echo a key.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        query_params: Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **_ignored: Any,
    ) -> Answer:
        """Send one request and return the unread answer, whatever its status.

        Timeouts and reading are our own business, so what the client passes about them is ignored.
        """
        self._permit(method.upper(), url, body)
        where = urlsplit(url)
        pool = cast(Pool, self.pool_manager.connection_from_host(where.hostname, where.port, where.scheme))
        deadline = current_deadline.get()
        left = self._limits.attempt if deadline is None else max(deadline.left(), 0.001)
        sending = current_sending.get()
        if sending is not None:
            sending.started = True
        return pool.exchange(
            method.upper(),
            (where.path or "/") + (f"?{urlencode(query_params)}" if query_params else ""),
            headers or {},
            # Bytes are in their final form already, compressed where the headers say so.
            body if body is None or isinstance(body, bytes) else json.dumps(body).encode(),
            connect=min(self._limits.connect, left),
            read=min(self._limits.read, left),
        )


def _tls() -> ssl.SSLContext:
    # Made by hand because the usual factories obey SSLKEYLOGFILE and would write the session keys to a file.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context
