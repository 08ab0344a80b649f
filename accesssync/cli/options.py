"""Options that every command takes, and what a command is given of them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from accesssync.errors import UsageError
from accesssync.model.when import Edge, When, parse_when

if TYPE_CHECKING:
    from accesssync.cli.logs import Log
    from accesssync.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

Bar = Callable[[str, int, int | None], None]
"""Shows progress: what, how many are done, of how many or None."""


class Invocation:
    """How this command was called."""

    def __init__(
        self, *, as_json: bool, orgs: tuple[str, ...], progress: bool, log_format: str, env_file: Path | None
    ) -> None:
        self.as_json = as_json
        self.orgs = list(orgs)
        self.progress = progress
        self.log_format = log_format
        self._env_file = env_file
        self._secrets: list[str] = []

    @cached_property
    def settings(self) -> "Settings":
        """The settings, read when first asked for: some commands need none."""
        from accesssync.settings import load

        settings = load(self._env_file)
        self._secrets = settings.secrets()
        for warning in settings.warnings:
            self.log("settings", warning, level="warning")
        return settings

    def operator(self, by: str | None = None, *, otherwise: str | None = None) -> str:
        """Who is acting: `by` where the command was told, else the settings, else the login name.

        Where there is none of these, as for the numbered users of some containers: `otherwise`, else UsageError.
        """
        return by or self.settings.operator or _login_name(otherwise)

    def log(self, event: str, text: str, level: str = "info", **details: object) -> None:
        """One line on stderr, for people or (`--log-format json`) for machines."""
        from accesssync.cli.logs import Log

        Log(self.log_format, self._secrets)(event, text, level, **details)

    def service_log(self) -> "Log":
        """The log of a process that goes on for months: dated, and with what its libraries complain about."""
        from accesssync.cli.logs import Log, hear_libraries

        log = Log(self.log_format, self.settings.secrets(), dated=True)
        hear_libraries(log)
        return log

    def when(self, text: str | None, option: str, edge: Edge) -> When | None:
        """A WHEN option; None where it was not given."""
        return None if text is None else parse_when(text, option=option, edge=edge, now=now())

    @contextmanager
    def bar(self) -> Iterator[Bar]:
        """A progress bar on a terminal; nothing in a pipe. Gives (what, done, of how many or None)."""
        if not (self.progress and sys.stderr.isatty()):
            yield _no_bar
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            tasks: dict[str, Any] = {}

            def update(what: str, done: int, total: int | None) -> None:
                if what not in tasks:
                    tasks[what] = progress.add_task(what, total=total)
                progress.update(tasks[what], completed=done, total=total)

            yield update


def _login_name(otherwise: str | None) -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        if otherwise is not None:
            return otherwise
        raise UsageError("there is no login name", remedy="give --by, or set ACCESSSYNC_OPERATOR") from error


def _no_bar(_what: str, _done: int, _total: int | None) -> None:
    """Where progress goes when nobody watches."""


def now() -> datetime:
    """The present, in UTC. The only clock of the command line."""
    return datetime.now(UTC)


def common(command: F) -> F:
    """Give a command the options that all have; it is called with an Invocation first."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    @click.option("--org", "orgs", multiple=True, metavar="NAME", help="Only this organization; repeatable.")
    @click.option("--no-progress", is_flag=True, help="No progress bar.")
    @click.option(
        "--log-format", type=click.Choice(["text", "json"]), default="text", help="Form of the log on stderr."
    )
    @click.option(
        "--env-file", type=click.Path(dir_okay=False, path_type=Path), help="Read settings from this file, not .env."
    )
    @click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
    @wraps(command)
    def called(
        *args: Any,
        as_json: bool,
        orgs: tuple[str, ...],
        no_progress: bool,
        log_format: str,
        env_file: Path | None,
        debug: bool,  # noqa: ARG001 - read in main, where errors end
        **kwargs: Any,
    ) -> Any:
        invocation = Invocation(
            as_json=as_json, orgs=orgs, progress=not no_progress, log_format=log_format, env_file=env_file
        )
        return command(invocation, *args, **kwargs)

    return called  # type: ignore[return-value]
