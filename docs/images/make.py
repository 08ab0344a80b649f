# ruff: noqa: INP001
"""Take the picture of the README: run the commands in a terminal of their own and draw what they print."""

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 82
PICTURE = Path(__file__).with_name("demo.svg")


def typed(command: str, folder: str, database: str | None = None) -> str:
    """What a command prints on a terminal."""
    here, there = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "COLUMNS": str(WIDTH), "TERM": "xterm", "LANG": "C.UTF-8"}
    if database:
        environment["ACCESSSYNC_DATABASE_URL"] = database
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    arguments = [sys.executable, "-m", "accesssync", *command.split()[1:], "--no-progress"]
    with subprocess.Popen(arguments, stdout=there, cwd=folder, env=environment) as process:  # noqa: S603 - our own
        os.close(there)
        pieces = []
        try:
            while piece := os.read(here, 65_536):
                pieces.append(piece)
        except OSError:
            pass  # How a terminal says that the program has ended.
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return b"".join(pieces).decode().replace("\r\n", "\n")


def main() -> None:
    """Draw the picture."""
    with tempfile.TemporaryDirectory() as folder:
        screen = f"$ accesssync demo\n{typed('accesssync demo', folder).partition(chr(10) * 2)[0]}\n"
        database = f"sqlite:///{folder}/accesssync-demo/accesssync.db"
        for command in ("accesssync admins --limit 4", "accesssync roles --privileged --limit 4"):
            screen += f"\n$ {command}\n{typed(command, folder, database)}"
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(Text.from_ansi(screen), soft_wrap=False)
    drawn = console.export_svg(title="accesssync")
    # Fonts would be fetched from another machine; the reader's own monospaced one will do.
    drawn = re.sub(r"@font-face\s*\{.*?\}", "", drawn, flags=re.DOTALL)
    PICTURE.write_text(re.sub(r"[ \t]+\n", "\n", drawn))


if __name__ == "__main__":
    main()
