"""Whether the worker is well, over HTTP: /healthz, /readyz, /metrics. Read-only, small, and without names."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from threading import Lock, Thread
from typing import Any

from accesssync.worker.metrics import Metrics

SILENT_SECONDS = 30.0
"""A loop that turned no more for so long is dead. It turns once a second; a database that is away takes some."""

READY_FOR_SECONDS = 5.0
"""How long an answer about the database holds: whoever asks more often asks in vain."""


class Pulse:
    """The signs of life of the worker's loop, and what is wrong with it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._beat = clock()
        self._stuck: tuple[str, ...] = ()

    def beat(self, stuck: tuple[str, ...]) -> None:
        """The loop turned; `stuck` jobs go on although they were told to stop."""
        self._stuck = stuck
        self._beat = self._clock()

    def trouble(self) -> str | None:
        """What is wrong, None where nothing is."""
        if self._clock() - self._beat > SILENT_SECONDS:
            return "the loop stands still"
        return f"{len(self._stuck)} jobs do not stop" if self._stuck else None


class Readiness:
    """Whether the worker can do its work: the database can be written and has the schema of this version."""

    def __init__(self, look: Callable[[], str | None], clock: Callable[[], float]) -> None:
        self._look = look
        self._clock = clock
        self._lock = Lock()
        self._known: tuple[float, str | None] | None = None

    def trouble(self) -> str | None:
        """What is wrong, None where nothing is; at most a few seconds old."""
        with self._lock:
            if self._known is None or self._clock() - self._known[0] > READY_FOR_SECONDS:
                self._known = self._clock(), self._look()
            return self._known[1]


class HealthServer:
    """Answers until it is closed. OSError where the address cannot be had."""

    def __init__(self, host: str, port: int, *, pulse: Pulse, readiness: Readiness, metrics: Metrics) -> None:
        answers = {
            "/healthz": lambda: _verdict(pulse.trouble()),
            "/readyz": lambda: _verdict(readiness.trouble()),
            "/metrics": lambda: (200, "text/plain; version=0.0.4; charset=utf-8", metrics.text()),
        }
        server = type("_Server", (_Server,), {"address_family": AF_INET6 if ":" in host else AF_INET})
        self._server = server((host, port), type("_Answers", (_Handler,), {"answers": answers}))
        self._thread = Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where it answers."""
        host, port = self._server.server_address[:2]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    answers: dict[str, Callable[[], tuple[int, str, bytes]]]
    timeout = 5
    server_version = "accesssync"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        answer = self.answers.get(self.path.partition("?")[0])
        status, kind, body = answer() if answer else (404, "text/plain; charset=utf-8", b"not found\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Being asked is no news."""


def _verdict(trouble: str | None) -> tuple[int, str, bytes]:
    return (503 if trouble else 200), "text/plain; charset=utf-8", f"{trouble or 'ok'}\n".encode()
