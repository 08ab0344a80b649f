"""Tell systemd how the worker does (`Type=notify`): ready, alive, stopping."""

import socket
from contextlib import suppress


class ServiceManager:
    """The socket that systemd listens on, or nothing where it does not. Never fails: being heard is not essential."""

    def __init__(self, address: str | None) -> None:
        # A name that begins with @ is an address without a file.
        self._address = "\0" + address[1:] if address and address.startswith("@") else address

    def ready(self, status: str) -> None:
        """The worker does its work."""
        self._say(f"READY=1\nSTATUS={status}")

    def alive(self, status: str) -> None:
        """A sign of life for the watchdog."""
        self._say(f"WATCHDOG=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The worker comes to its end."""
        self._say("STOPPING=1")

    def _say(self, text: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(1)
            channel.sendto(text.encode(), self._address)
