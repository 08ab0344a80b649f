"""`accesssync credential create`, `rotate`, `narrow` and `revoke`."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import print_json, say
from accesssync.cli.provisioning import credentials_of
from accesssync.errors import UsageError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.provision.key_change import Done
    from accesssync.jobs.provision.key_desk import Desk

_reason = click.option("--reason", required=True, metavar="TEXT", help="Why, for the audit log.")
_by = click.option("--by", metavar="WHO", help="Who is acting; otherwise ACCESSSYNC_OPERATOR or the login name.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_secret = click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the secret into this new private file, instead of showing it once.",
)


def _scope(*, required: bool) -> Callable[..., Any]:
    return click.option(
        "--scope", "scopes", multiple=True, required=required, metavar="PERMISSION", help="What it may; repeatable."
    )


@click.command(
    epilog="""\b
A new service account comes from an access file: accesssync provision plan. Only the answer to this request ever
tells the secret.

\b
Example:
  accesssync credential create terraform-ci --name deploy --scope dashboards_read --scope dashboards_write \\
      --secret-file deploy.key --reason "pipeline of the platform team\""""
)
@click.argument("account", metavar="ACCOUNT")
@click.option("--name", required=True, metavar="NAME", help="What to call the key.")
@_scope(required=True)
@_secret
@_reason
@_by
@_yes
@common
def create(
    invocation: Invocation,
    account: str,
    name: str,
    scopes: tuple[str, ...],
    secret_file: Path | None,
    reason: str,
    by: str | None,
    yes: bool,
) -> None:
    """Make a scoped application key for a service account."""
    from accesssync.jobs.provision import key_desk, keys

    _line("--name", name)
    desk = _desk(invocation, reason, by)
    owner = key_desk.find_account(desk, account)
    _ask(f"make a key {visible(name)} of {visible(owner.subject)} that may {_listed(scopes)}", yes=yes)
    _issue(invocation, secret_file, lambda: keys.create(desk, owner, name, scopes))


@click.command(
    epilog="""\b
Make the successor, hand it over, wait until it was used, then finish.

\b
Examples:
  accesssync credential rotate ci-deploy --secret-file new.key --reason "yearly"
  accesssync credential rotate ci-deploy --finish --reason "the pipeline uses the new one\""""
)
@click.argument("which", metavar="ID|NAME|LAST4|FINDING")
@click.option("--finish", is_flag=True, help="Revoke the old key, if its successor was used.")
@click.option("--unused", is_flag=True, help="With --finish: also where the successor was not used yet.")
@_scope(required=False)
@_secret
@_reason
@_by
@_yes
@common
def rotate(
    invocation: Invocation,
    which: str,
    finish: bool,
    unused: bool,
    scopes: tuple[str, ...],
    secret_file: Path | None,
    reason: str,
    by: str | None,
    yes: bool,
) -> None:
    """Replace an application key of a service account, without a moment in which neither works."""
    from accesssync.jobs.provision import key_desk, keys

    if finish and (scopes or secret_file):
        raise click.UsageError("--finish makes no key, so it takes neither --scope nor --secret-file")
    if unused and not finish:
        raise click.UsageError("--unused goes with --finish")
    desk = _desk(invocation, reason, by)
    target = key_desk.find_credential(desk, which)
    if finish:
        _ask(f"revoke {visible(target.subject)}, whose successor was made", yes=yes)
        _told(invocation, keys.finish(desk, target, unused=unused))
        return
    _ask(f"make a successor of {visible(target.subject)}, which goes on working", yes=yes)
    _issue(invocation, secret_file, lambda: keys.rotate(desk, target, scopes))
    if not invocation.as_json:
        say(f"once it is in use: accesssync credential rotate {target.id} --finish --reason ...")


@click.command(
    epilog="""\b
Example:
  accesssync credential narrow ci-deploy --scope dashboards_read --reason "it never writes\""""
)
@click.argument("which", metavar="ID|NAME|LAST4|FINDING")
@_scope(required=True)
@_reason
@_by
@_yes
@common
def narrow(invocation: Invocation, which: str, scopes: tuple[str, ...], reason: str, by: str | None, yes: bool) -> None:
    """Leave an application key only these scopes. It never gets one that it has not."""
    from accesssync.jobs.provision import key_desk, keys

    desk = _desk(invocation, reason, by)
    target = key_desk.find_credential(desk, which)
    _ask(f"leave {visible(target.subject)} only {_listed(scopes)}", yes=yes)
    _told(invocation, keys.narrow(desk, target, scopes))


@click.command(
    epilog="""\b
What stops with it: accesssync revoke-preview.

\b
Examples:
  accesssync credential revoke 3b7c0d7e-0000-11ef-8000-000000000007 --reason "found in a public repository"
  accesssync credential revoke F-7Q2K --reason "never used"
  accesssync credential revoke "Vendor App" --user ada@example.com --reason "left the project\""""
)
@click.argument("which", metavar="ID|NAME|LAST4|FINDING")
@click.option("--user", metavar="ID|EMAIL", help="Of an OAuth client: whose authorization ends.")
@_reason
@_by
@_yes
@common
def revoke(invocation: Invocation, which: str, user: str | None, reason: str, by: str | None, yes: bool) -> None:
    """End a key or token for good, or what one user let an OAuth client do."""
    from accesssync.jobs.provision import key_desk, keys

    desk = _desk(invocation, reason, by)
    target = key_desk.find_credential(desk, which)
    who = key_desk.find_user(desk, user) if user is not None else None
    whose = f" for {visible(who.subject)}" if who is not None else ""
    _ask(f"revoke {visible(target.subject)} ({target.type.replace('_', ' ')}){whose}, for good", yes=yes)
    _told(invocation, keys.revoke(desk, target, user_id=who.id if who is not None else None))


COMMANDS = (create, rotate, narrow, revoke)
"""What is added to the commands of `accesssync credential`."""


def _desk(invocation: Invocation, reason: str, by: str | None) -> "Desk":
    from accesssync.jobs.opening import open_to_write
    from accesssync.jobs.provision.key_desk import Desk

    _line("--reason", reason)
    settings = invocation.settings
    found = settings.organizations(invocation.orgs, need_keys=False)
    if len(found) != 1:
        raise UsageError("a credential is changed in one organization", remedy="name it with --org")
    return Desk(
        engine=open_to_write(settings),
        settings=settings,
        org=found[0],
        open=credentials_of(invocation),
        clock=now,
        sleep=time.sleep,
        by=invocation.operator(by),
        reason=reason,
    )


def _line(option: str, text: str) -> None:
    if not (text.strip() and len(text) <= 200 and text.isprintable()):
        raise click.BadOptionUsage(option, f"{option} has to be a line of 1 to 200 characters")


def _ask(what: str, *, yes: bool) -> None:
    """Let somebody who is there say no; without a terminal there has to be --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask", remedy="add --yes")
    if not click.confirm(f"{what}?", err=True):
        raise click.Abort


def _listed(scopes: tuple[str, ...]) -> str:
    return visible(", ".join(dict.fromkeys(scopes)))


def _issue(invocation: Invocation, secret_file: Path | None, change: "Callable[[], Done]") -> None:
    """Make a key and hand its secret over. The file is ready before the key is made, so that it cannot fail after."""
    with _receiving(secret_file) as file:
        done = change()
        secret = done.secret.get_secret_value() if done.secret is not None else ""
        if file is not None:
            file.write(secret + "\n")
    _told(invocation, done, secret=None if secret_file else secret, file=secret_file)


@contextmanager
def _receiving(path: Path | None) -> Iterator[TextIO | None]:
    from accesssync.jobs.private_file import private_file

    if path is None:
        yield None
        return
    with private_file(path) as file:
        yield file


def _told(invocation: Invocation, done: "Done", *, secret: str | None = None, file: Path | None = None) -> None:
    document = {
        "org": done.org,
        "operation": done.operation.value,
        "subject": done.subject,
        "id": done.credential_id,
        "outcome": "succeeded",
    }
    if invocation.as_json:
        more = {"secret": secret} if secret else {"secret_file": str(file)} if file else {}
        print_json({"schema": "accesssync.credential_change/1", **document, **more})
        return
    say(f"{visible(done.org)}: {done.operation} done: {visible(done.subject)}  ({visible(done.credential_id)})")
    if secret:
        say(f"its secret, shown this once: {secret}")
    if file:
        say(f"its secret is in {visible(str(file))}, readable by you alone")
