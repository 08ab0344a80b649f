"""Print a page to PDF with a browser that is installed, shut off from everything it does not need.

Printed is a copy without scripts and without what only they read: everything that belongs on paper stands in the page
itself, and it fetches nothing. The browser gets a home of its own, an environment without secrets, no way to the
network, and a time after which it is ended with all its processes.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from accesssync.errors import UsageError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
"""Programs that print a page, by the names that they have on a PATH; the first that is there is taken."""

SECONDS = 120.0
"""How long a browser may take. The largest page takes a few seconds."""

_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
    "--no-default-browser-check",
    "--metrics-recording-only",
    # Nothing listens on the discard port, and no name is looked up: whatever is asked for is not there.
    "--proxy-server=http://127.0.0.1:9",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


class PrintingError(Exception):
    """The page could not be printed; the text says why, for people."""


class Started(Protocol):
    """A process that can be waited for."""

    @property
    def pid(self) -> int:
        """Its number."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends."""


def find_browser(chosen: str | None, search: str | None = None) -> Path | None:
    """The browser to print with: the one that was chosen, else the first that is found on a PATH (`search`).

    None where there is none. UsageError where the chosen one is not there: it was meant.
    """
    if chosen is not None:
        found = shutil.which(chosen, path=search)
        if found is None:
            raise UsageError(
                f"there is no browser {chosen[:80]!r}",
                remedy="set ACCESSSYNC_REPORT__BROWSER to the path of Chromium or Chrome, or leave it unset",
            )
        return Path(found)
    paths = (shutil.which(name, path=search) for name in BROWSERS)
    return next((Path(path) for path in paths if path is not None), None)


def print_page(browser: Path, page: Path, into: Path, *, seconds: float = SECONDS) -> None:
    """Print a page to `into`. PrintingError where that was not possible; then `into` is not there."""
    with TemporaryDirectory(prefix="accesssync-print-") as home:
        made, copy = Path(home) / "report.pdf", Path(home) / "report.html"
        copy.write_bytes(without_scripts(page.read_bytes()))
        command = [
            str(browser),
            *_OPTIONS,
            # As root the browser refuses its own sandbox. It opens one file of ours, without scripts and a network.
            *(("--no-sandbox",) if os.geteuid() == 0 else ()),
            f"--user-data-dir={home}/profile",
            f"--print-to-pdf={made}",
            copy.as_uri(),
        ]
        _run(command, home, seconds)
        if not _is_whole(made):
            raise PrintingError(f"{browser.name} ended without a PDF")
        shutil.move(made, into)


def without_scripts(page: bytes) -> bytes:
    """A page up to its first script; all of them stand at its end, and no text of a stranger can begin one."""
    return page.partition(b"<script")[0] + b"</body></html>"


def _run(command: list[str], home: str, seconds: float) -> None:
    try:
        process = subprocess.Popen(  # noqa: S603 - a program that the operator installed, and our own words
            command,
            env=_environment(home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise PrintingError(f"{Path(command[0]).name} does not start: {error.strerror or 'unknown reason'}") from None
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise PrintingError(f"{Path(command[0]).name} did not finish within {seconds:.0f} s") from None
    finally:
        _end(process)
    if code:
        raise PrintingError(f"{Path(command[0]).name} ended with {code}")


def _end(process: Started) -> None:
    """End the whole session: a browser is many processes, and some outlive the first."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(home: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL"}}
    own = {"HOME": home, "TMPDIR": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "XDG_RUNTIME_DIR": home}
    return {**kept, **own}


def _is_whole(made: Path) -> bool:
    try:
        with made.open("rb") as file:
            begins = file.read(5)
            file.seek(max(0, made.stat().st_size - 64))
            return begins == b"%PDF-" and b"%%EOF" in file.read()
    except OSError:
        return False
