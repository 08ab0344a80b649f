"""A loopback server that answers exactly the bytes a test gives it, and the bytes Datadog would send."""

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from typing import Any

API_KEY = "a1b2c3d4" * 4
APP_KEY = "ddapp_CanaryCanaryCanaryCanary0001"

Write = Callable[[socket.socket], None]
Answer = bytes | Write


class Request:
    def __init__(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}


def http(
    body: bytes | str | dict[str, Any] = b"", status: int = 200, kind: str = "application/json", **headers: str
) -> bytes:
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def user(number: int, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "users",
        "id": f"00000000-0000-0000-0000-{number:012d}",
        "attributes": {
            "email": f"user{number}@example.com",
            "handle": f"user{number}@example.com",
            "name": f"User {number}",
            "title": None,
            "status": "Active",
            "disabled": False,
            "verified": True,
            "service_account": False,
            "created_at": "2022-05-12T09:53:43.305109+00:00",
            "last_login_time": None,
            **attributes,
        },
        "relationships": {"roles": {"data": [{"type": "roles", "id": "role-b"}, {"type": "roles", "id": "role-a"}]}},
    }


def page(*users: Any, total: Any = None) -> dict[str, Any]:
    count = len(users) if total is None else total
    return {"meta": {"page": {"total_count": count, "total_filtered_count": count}}, "data": list(users)}


class Server:
    """Answers the n-th request with the n-th answer; the last one repeats. `None` hangs until the end."""

    def __init__(self, *answers: Answer | None) -> None:
        self.answers: list[Answer | None] = list(answers)
        self.requests: list[Request] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer._serve(self.request)

        class Threading(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Threading(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting = b""
        while True:
            while b"\r\n\r\n" not in waiting:
                piece = sock.recv(65536)
                if not piece:
                    return
                waiting += piece
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            with self._lock:
                self.requests.append(Request(head))
                answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
            if answer is None:
                self.over.wait(10)
                return
            if callable(answer):
                answer(sock)
                return
            sock.sendall(answer)

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class Clock:
    """A clock that only sleeping moves, unless it is told to follow the real one."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.real = False

    def __call__(self) -> float:
        return self.now + (time.monotonic() if self.real else 0.0)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
