# ruff: noqa: INP001
"""Take the picture of a report's page for the README: play the demonstration, and look at its report with a browser."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from accesssync.jobs.report.print import find_browser

PICTURE = Path(__file__).with_name("page.png")


def main() -> None:
    """Take the picture."""
    browser = find_browser(None)
    if browser is None:
        raise SystemExit("no Chromium or Chrome on PATH")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "accesssync", "demo", "--no-progress"], cwd=folder, check=True, capture_output=True
        )
        page = Path(folder) / "accesssync-demo" / "report" / "index.html"
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            opened = playwright.chromium.launch(executable_path=str(browser), args=arguments, env={"HOME": folder})
            view = opened.new_page(viewport={"width": 1360, "height": 1060}, color_scheme="light")
            view.goto(page.as_uri())
            view.wait_for_selector("#table-identities .live", state="attached")
            view.screenshot(path=PICTURE)
            opened.close()


if __name__ == "__main__":
    main()
