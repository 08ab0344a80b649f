"""Printing: with a real browser where there is one, and with ones that misbehave."""

import os
import subprocess
from pathlib import Path

import pytest

from accesssync.errors import UsageError
from accesssync.jobs.report.print import PrintingError, find_browser, print_page, without_scripts
from accesssync.reports.page.write import write
from tests.reports.builders import block
from tests.reports.page.organization import datasets, whole


def program(path: Path, script: str) -> Path:
    """A program that takes the place of a browser."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page to print."""
    path = tmp_path / "index.html"
    with path.open("wb") as file:
        write(datasets(whole(60)), block(complete=False), file)
    return path


def test_the_page_is_printed_by_the_browser_that_is_there(page: Path, tmp_path: Path) -> None:
    browser = find_browser(None)
    if browser is None:
        pytest.skip("no Chromium or Chrome on PATH; install one: apt-get install chromium")
    into = tmp_path / "report.pdf"
    print_page(browser, page, into)
    assert into.read_bytes().startswith(b"%PDF-")
    assert into.stat().st_size > 20_000


def test_the_first_browser_on_the_path_is_taken_and_one_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    assert find_browser(None, str(tmp_path)) is None
    chrome = program(tmp_path / "google-chrome", "true")
    assert find_browser(None, str(tmp_path)) == chrome
    assert find_browser(str(chrome)) == chrome
    with pytest.raises(UsageError, match="no browser '/no/such'"):
        find_browser("/no/such")


def test_a_browser_that_hangs_is_ended_with_all_its_processes(page: Path, tmp_path: Path) -> None:
    number = tmp_path / "pid"
    hanging = program(tmp_path / "browser", f"sleep 600 & echo $! > {number}; wait")
    with pytest.raises(PrintingError, match="did not finish"):
        print_page(hanging, page, tmp_path / "report.pdf", seconds=1)
    child = number.read_text().strip()
    state = subprocess.run(["/bin/ps", "-o", "stat=", "-p", child], capture_output=True, text=True, check=False)
    assert state.stdout.strip() in {"", "Z"}


@pytest.mark.parametrize(
    ("script", "reason"), [("exit 3", "ended with 3"), ("true", "without a PDF"), ("echo half", "without a PDF")]
)
def test_a_browser_that_fails_leaves_no_file(page: Path, tmp_path: Path, script: str, reason: str) -> None:
    into = tmp_path / "report.pdf"
    with pytest.raises(PrintingError, match=reason):
        print_page(program(tmp_path / "browser", script), page, into)
    assert not into.exists()
    with pytest.raises(PrintingError, match="does not start"):
        print_page(tmp_path / "nothing", page, into)


def test_a_browser_gets_no_secret_no_home_of_ours_and_no_script(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_API_KEY", "canary")
    told = tmp_path / "told"
    script = f'env > {told}; for last; do :; done; cat "${{last#file://}}" >> {told}'
    with pytest.raises(PrintingError):
        print_page(program(tmp_path / "browser", script), page, tmp_path / "report.pdf")
    seen = told.read_text()
    assert "canary" not in seen
    assert f"HOME={os.environ.get('HOME', '/')}\n" not in seen
    assert "INCOMPLETE" in seen
    assert "<script" not in seen


def test_a_copy_without_scripts_ends_where_the_first_one_began() -> None:
    assert without_scripts(b"<body>&lt;script<script>x</script></body>") == b"<body>&lt;script</body></html>"
