"""The least that reading an organization can cost: what a sync asks for, over eight raw connections, nothing parsed.

The only argument is a file with a path per line. Each thread sends its requests one after the other on one
socket and looks at nothing but the status and the length.
"""

import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.stopwatch import tell

CONNECTIONS = 8


def main() -> None:
    """Read everything once."""
    paths = Path(sys.argv[1]).read_text().splitlines()
    tell(lambda: _all(paths))


def _all(paths: list[str]) -> int:
    """Fetch everything; the bytes of all bodies."""
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sum(threads.map(_read, [paths[start::CONNECTIONS] for start in range(CONNECTIONS)]))


def _read(paths: list[str]) -> int:
    """Fetch these paths over one connection; the bytes of all bodies."""
    where = urlsplit(os.environ["ACCESSSYNC_API_URL"])
    head = (
        f"Host: {where.netloc}\r\nAccept: application/json\r\n"
        f"DD-API-KEY: {os.environ['DD_API_KEY']}\r\nDD-APPLICATION-KEY: {os.environ['DD_APP_KEY']}\r\n\r\n"
    )
    received, buffer = 0, bytearray(1 << 20)
    with socket.create_connection((where.hostname or "", where.port or 80)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for path in paths:
            connection.sendall(f"GET {path} HTTP/1.1\r\n{head}".encode())
            received += _skip(connection, buffer)
    return received


def _skip(connection: socket.socket, buffer: bytearray) -> int:
    """Take one answer off the connection; the length of its body."""
    view = memoryview(buffer)
    filled, end = 0, -1
    while end < 0:
        filled += _more(connection, view[filled:])
        end = buffer.find(b"\r\n\r\n", 0, filled)
    head = buffer[:end].lower()
    if not head.startswith(b"http/1.1 200 "):
        raise ConnectionError(head.split(b"\r\n", 1)[0].decode(errors="replace"))
    length = int(head.partition(b"\r\ncontent-length:")[2].split(b"\r\n", 1)[0])
    left = length - (filled - end - 4)
    while left:
        left -= _more(connection, view[:left])
    return length


def _more(connection: socket.socket, room: memoryview) -> int:
    got = connection.recv_into(room)
    if not got:
        raise ConnectionError("the server closed the connection")
    return got


if __name__ == "__main__":
    main()
