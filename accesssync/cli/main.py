"""The entry point: find the command, run it, and turn how it ended into one line and an exit code."""

import errno
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

import click

from accesssync import __version__
from accesssync.cli.output import ToldError, begin, complain, json_begun, print_json
from accesssync.errors import AccessSyncError, InputError, StoreError
from accesssync.model.visible import visible

COMMANDS = {
    "admins": "inventory",
    "audit": "audit",
    "changes": "changes",
    "check": "doctor",
    "credential": "credentials",
    "credentials": "credentials",
    "db": "database",
    "demo": "demo",
    "doctor": "doctor",
    "evidence": "evidence",
    "findings": "findings",
    "forward": "forward",
    "grants": "inventory",
    "identities": "inventory",
    "identity": "inventory",
    "mappings": "credentials",
    "nhi": "nhi",
    "offboard-preview": "reach",
    "provision": "provision",
    "report": "report",
    "revoke-preview": "reach",
    "roles": "inventory",
    "sandbox": "sandbox",
    "status": "status",
    "sync": "sync",
    "teams": "credentials",
    "timeline": "changes",
    "validate": "validate",
    "who-can": "reach",
    "worker": "worker",
}
"""Each command and the module of this folder that has it. Only the one that is called is imported."""

SUMMARIES = {
    "admins": "Who holds a privileged permission, and through which roles.",
    "audit": "What was done by whom, and proof that the log is whole.",
    "changes": "What changed, and in which window.",
    "check": "Whether the keys, scopes and the database are as they should be.",
    "credential": "Look at one credential; make, rotate, narrow or revoke it.",
    "credentials": "Every key, token and OAuth client.",
    "db": "Look after the database.",
    "demo": "See it all work, without keys.",
    "doctor": "The same as check.",
    "evidence": "Whether a report is as it was made, and by whom.",
    "findings": "What is wrong, how bad it is, and what to do about it.",
    "forward": "Publish alerts, the audit log, events and metrics.",
    "grants": "Who holds which role, since when.",
    "identities": "Every user record: people and service accounts.",
    "identity": "Everything about one identity.",
    "mappings": "Every SAML mapping.",
    "nhi": "Who is not a person, and why.",
    "offboard-preview": "What dies and lives on when somebody is disabled.",
    "provision": "Bring an organization to what an access file says.",
    "report": "The report set for a governance review.",
    "revoke-preview": "What stops when a credential is revoked.",
    "roles": "Every role, its holders and what makes it privileged.",
    "sandbox": "A look-alike of Datadog to try things on.",
    "status": "How fresh and complete the stored inventory is.",
    "sync": "Observe the organizations once and store what changed.",
    "teams": "Every team, its members and admins.",
    "timeline": "Everything that happened to one identity, in order.",
    "validate": "Check a governance directory offline.",
    "who-can": "Everybody and everything that has a permission, and how.",
    "worker": "Do everything on a schedule until told to stop.",
}


class Terminated(BaseException):
    """SIGTERM came."""


class NoReaderError(Exception):
    """Whoever read our output has closed the pipe."""


class Commands(click.Group):
    """The commands by name, imported when one is called or asked for help."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Left to click, a closed pipe would be a failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise NoReaderError from None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        module = import_module(f"accesssync.cli.{COMMANDS[name]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(SUMMARIES.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with: accesssync demo. Each command has --help with examples.",
)
@click.version_option(__version__, prog_name="accesssync")
def cli() -> None:
    """Who has access to a Datadog organization, since when, who is not a person, and what changed."""


def main() -> None:
    """Run one command; exit with the code the contract gives to how it ended."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    begin()
    try:
        result = cli.main(arguments, prog_name="accesssync", standalone_mode=False)
        _flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort) as stopped:
        _leave(arguments, 130, stopped)
    except Terminated as stopped:
        _leave(arguments, 143, stopped)
    except (BrokenPipeError, NoReaderError):
        # Whoever read our output has enough. Nothing more can be said on that pipe, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if "--debug" in arguments and not isinstance(error, click.ClickException):
            raise
        return _failed(arguments, error)


def _failed(arguments: list[str], error: Exception) -> int:
    """Tell a failure as its user needs it, and give its exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        # Nothing went wrong that one line could tell, but nothing was done either.
        complain(error.format_message())
        return error.exit_code
    if isinstance(error, click.ClickException):
        return _misused(arguments, error)
    if isinstance(error, ToldError):
        complain(f"error: {visible(error.error.line())}")
        return error.error.exit_code
    if isinstance(error, AccessSyncError):
        from accesssync.jobs.sync.document import error_document

        lines = error.problems if isinstance(error, InputError) else (error.line(),)
        return _report(arguments, error_document(error), lines, error.exit_code)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EFBIG):
        complain(f"error: the output cannot be written: {error.strerror}; free some space")
        # What is still waiting to be written would fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return StoreError.exit_code
    line = f"this is a bug in accesssync ({type(error).__name__}); run again with --debug for a traceback"
    return _report(arguments, {"code": "bug", "message": line}, (line,), 1)


def _misused(arguments: list[str], error: click.ClickException) -> int:
    """A command line that cannot be understood."""
    message = " ".join(error.format_message().split()).rstrip(".")
    message = message[:1].lower() + message[1:]
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "accesssync"
    remedy = f"see {path} --help"
    if isinstance(error, click.NoSuchOption) and context and context.parent is None:
        message = f"{error.option_name} is no option of accesssync itself"
        remedy = f"options follow the command: accesssync COMMAND {error.option_name}"
    document = {"code": "usage", "message": message, "remedy": remedy}
    return _report(arguments, document, (f"{message}; {remedy}",), error.exit_code)


def _report(arguments: list[str], document: dict[str, Any], lines: Sequence[str], code: int) -> int:
    """A line for each error on stderr, and with --json one document on stdout."""
    for line in lines:
        complain(f"error: {visible(line)}")
    if "--json" in arguments:
        _print_error(document)
    return code


def _print_error(document: dict[str, Any]) -> None:
    whole = {"code": None, "message": None, "org": None, "resource": None, "remedy": None, **document}
    print_json({"schema": "accesssync.error/1", "error": whole})


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _flush() -> None:
    sys.stdout.flush()


def _leave(arguments: list[str], code: int, stopped: BaseException) -> NoReturn:
    """End now: requests under way in other threads must not be waited for.

    A command that leaves something half done says what to do about it in a note of what stopped it.
    """
    # Click puts its own exception around Ctrl-C.
    notes = (note for one in (stopped, stopped.__cause__) for note in getattr(one, "__notes__", ()))
    note = next(notes, None)
    complain(f"stopped; {note or 'what was not published is undone by the next run'}")
    if "--json" in arguments and not json_begun():
        message = "stopped by SIGINT" if code == 130 else "stopped by SIGTERM"
        remedy = note or "run it again: what was not published is undone then"
        _print_error({"code": "interrupted", "message": message, "remedy": remedy})
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
