"""The databases that tests are given are real, empty and their own, and the guard around tests holds."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests import postgres

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent


def running(pid: int) -> bool:
    """Whether the process still does anything; one that ended may stay listed until somebody asks for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("attempt", [1, 2])
def test_every_test_gets_an_empty_database(database_url: str, attempt: int) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE mine (n integer)"))
        connection.execute(sa.text("INSERT INTO mine VALUES (:n)"), {"n": attempt})
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT n FROM mine")).scalars().all() == [attempt]
    engine.dispose()


def test_a_database_goes_even_while_somebody_is_connected(postgres_server: sa.URL) -> None:
    with postgres.fresh_database(postgres_server) as url:
        connection = psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.skipif(bool(postgres.GIVEN), reason="the server is not ours")
def test_the_server_ends_when_the_tests_are_killed() -> None:
    code = (
        "import time; from tests import postgres\n"
        "with postgres.server() as url: print(url.query['host'], flush=True); time.sleep(60)"
    )
    tests = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert tests.stdout is not None
    data = Path(tests.stdout.readline().strip())
    server = int((data / "postmaster.pid").read_text().splitlines()[0])
    tests.send_signal(signal.SIGKILL)
    tests.wait()
    tests.stdout.close()
    until = time.monotonic() + 10
    while running(server):
        assert time.monotonic() < until
        time.sleep(0.02)
    postgres._remove_leftovers(data.parent.parent)
    assert not data.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0 or bool(postgres.GIVEN), reason="needs root and a server of our own")
def test_as_root_binaries_in_a_closed_folder_are_copied_and_work(tmp_path: Path) -> None:
    package = postgres._binaries().parent.parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / package.name).symlink_to(package)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        (closed / libraries.name).symlink_to(libraries)
    owner = postgres._owner()
    folder = postgres._folder(owner)
    try:
        copied = postgres._reachable(closed / package.name / postgres._binaries().parent.name / "bin", folder, owner)
        assert copied.is_relative_to(folder)
        with postgres._running(copied, folder / "d", owner):
            psycopg.connect(host=str(folder / "d"), user="postgres", dbname="postgres").close()
    finally:
        shutil.rmtree(folder)


def test_tests_cannot_reach_other_machines(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyfile(
        """
        import contextlib, socket, threading

        def test_connect():
            with socket.socket() as one, contextlib.suppress(OSError):
                one.connect(("192.0.2.1", 80))

        def test_thread():
            def look():
                with contextlib.suppress(OSError):
                    socket.create_connection(("datadoghq.example", 443))
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()

        def test_loopback():
            with socket.create_server(("127.0.0.1", 0)) as server:
                socket.create_connection(server.getsockname()).close()
                socket.create_connection(("localhost", server.getsockname()[1])).close()
        """
    )
    outcome = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=3, errors=2)


def test_tests_see_no_settings_of_the_developer(tmp_path: Path) -> None:
    assert not [name for name in os.environ if name.startswith(("DD_", "ACCESSSYNC_"))]
    assert Path.cwd() == tmp_path
