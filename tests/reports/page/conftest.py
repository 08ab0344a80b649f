"""A browser for the tests of the page: one for all of them, with a home of its own."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accesssync.evidence.block import Block
from accesssync.jobs.report.print import find_browser
from accesssync.reports.dataset import Dataset
from accesssync.reports.page.write import write
from tests.reports.builders import block

HINT = "install one: apt-get install chromium"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium or Chrome, where one is installed."""
    found = find_browser(None)
    if found is None:
        pytest.skip(f"no Chromium or Chrome on PATH; {HINT}")
    home = str(tmp_path_factory.mktemp("browser"))
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(found),
            args=arguments,
            env={"PATH": os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home},
        )
        yield opened
        opened.close()


def until(page: Page, condition: str) -> None:
    """Wait for a condition. Asked from outside: the page's own policy forbids to evaluate texts in it."""
    for _ in range(400):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    pytest.fail(f"never came true: {condition}")


class Opened:
    """Pages in a browser that may ask for nothing and must not complain."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.asked: list[str] = []
        self.said: list[str] = []

    @contextmanager
    def __call__(
        self, datasets: Sequence[Dataset], about: Block | None = None, fragment: str = "", **options: Any
    ) -> Iterator[Page]:
        """The page of these datasets, when it is ready to be used."""
        path = self._folder / "index.html"
        with path.open("wb") as file:
            write(datasets, about or block(), file)
        context = self._browser.new_context(**{"viewport": {"width": 1366, "height": 900}, **options})
        try:
            page = context.new_page()
            self._watch(context, page)
            page.goto(path.as_uri() + fragment)
            if options.get("java_script_enabled", True):
                until(page, "performance.getEntriesByName('interactive').length > 0")
            yield page
        finally:
            context.close()
        assert not self.asked, "the page reached for something"
        assert not self.said, "the page complained"

    def _watch(self, context: BrowserContext, page: Page) -> None:
        def asked(route: Any) -> None:
            self.asked.append(route.request.url[:200])
            route.abort()

        context.route(lambda url: not url.startswith("file:"), asked)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Any]:
    """What opens a page."""
    return Opened(browser, tmp_path)
