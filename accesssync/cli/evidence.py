"""`accesssync evidence`: whether a report is as it was made, and the keys that sign it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, common
from accesssync.cli.output import Document, print_json, print_json_failed, say
from accesssync.errors import VerificationError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.evidence.verify import Verdict


@click.group()
def evidence() -> None:
    """Whether a report is as it was made, and by whom it was signed."""


@evidence.command(
    epilog="""\b
Needs neither keys, nor a database, nor a network. Exit code 12 where anything is wrong, with every file that was
changed, is missing or was added. A bundle that nobody signed is checked by its hashes.

\b
Examples:
  accesssync evidence verify report/
  accesssync evidence verify report/ --public-key signing.pem.pub
  accesssync evidence verify report/ --manifest-hash 4f2c..."""
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--public-key", "public", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="The public key, in PEM, of whoever has to have signed it.",
)  # fmt: skip
@click.option(
    "--manifest-hash", "noted", metavar="SHA256",
    help="The manifest's hash as the audit log noted it: accesssync audit list --kind report.",
)  # fmt: skip
@common
def verify(invocation: Invocation, folder: Path, public: Path | None, noted: str | None) -> None:
    """Whether every file of a report is as it was made, and how far that is proven."""
    from accesssync.jobs import evidence as job

    verdict = job.verify_bundle(folder, public, noted)
    document = {
        "schema": "accesssync.evidence_verification/1",
        "directory": str(folder),
        **job.verdict_document(verdict),
    }
    try:
        job.refuse_altered(verdict, folder)
    except VerificationError as error:
        if invocation.as_json:
            print_json_failed(document, error)
        _say_altered(verdict)
        raise
    if invocation.as_json:
        print_json(document)
        return
    _say_sound(visible(folder), document, noted is not None)


def _say_altered(verdict: "Verdict") -> None:
    for what, paths in (("changed", verdict.changed), ("missing", verdict.missing), ("added", verdict.added)):
        for path in paths:
            say(f"{what:<8} {visible(path)}")
    for problem in verdict.problems:
        say(f"problem  {visible(problem)}")


def _say_sound(folder: str, told: Document, noted: bool) -> None:
    say(f"{folder}: verified, {told['files']:,} files as they were made, none missing, none added")
    for one in told["organizations"]:
        name = one["org"] if one["org_name"] is None else f"{one['org']} ({one['org_name']})"
        say(f"{visible(name)} as of {one['as_of']}, from run-{one['run_id']} of {one['run_finished_at']}")
        say(f"  {_completeness(one)}")
        for limitation in one["limitations"]:
            say(f"  limitation: {visible(limitation)}")
    state, mark = told["signature"]["state"], told["signature"]["fingerprint"]
    if state == "by_given_key":
        say(f"signed by the given key, {mark}")
    elif state == "by_own_key":
        say(f"signed by the key that lies with it, {mark}")
        say("whose key that is, nothing here proves: get it from its owner, and give it with --public-key")
    else:
        say("not signed: its files fit together, but who can write all of them could have made them anew")
    if noted:
        say("its manifest has the hash that was given")
    elif state != "by_given_key":
        say(f"to prove more, compare with what the audit log noted: manifest {told['manifest_sha256']}")


def _completeness(one: Document) -> str:
    whole = "every listing proven complete" if one["complete"] else "NOT every listing proven complete"
    checks = one["reconciliation"]
    passed = sum(check["passed"] is True for check in checks)
    failed = sum(check["passed"] is False for check in checks)
    return f"{whole}; {passed} of {len(checks)} counts agree" + (f", {failed} do NOT" if failed else "")


@evidence.command(
    epilog="""\b
Example:
  accesssync evidence keygen /etc/accesssync/signing.pem
  export ACCESSSYNC_SIGNING_KEY_FILE=/etc/accesssync/signing.pem"""
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@common
def keygen(invocation: Invocation, path: Path) -> None:
    """Make a key that signs reports: FILE, which stays secret, and FILE.pub, which readers get."""
    from accesssync.jobs import evidence as job

    made = job.make_key(path)
    if invocation.as_json:
        print_json({"schema": "accesssync.evidence_key/1", **made})
        return
    say(f"{visible(made['private'])}: the private key; keep it where only the reports are made")
    say(f"{visible(made['public'])}: the public key; give it to those who verify, not together with a report")
    say(f"fingerprint {made['fingerprint']}")
    say(f"now set ACCESSSYNC_SIGNING_KEY_FILE={visible(made['private'])}")
