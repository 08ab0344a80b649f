"""A report with pseudonyms names nobody, in no file and in no corner of one."""

import gzip
import json
import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from accesssync.sandbox import Organization
from tests.cli.conftest import Cli
from tests.cli.test_report import rows

FORMATS = "html,xlsx,csv,json,ndjson,ocsf,vanta"
PACKED = re.compile(rb"[A-Za-z0-9+/=]{60,}")


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Everything readable in a file, with where it is: also what is packed inside."""
    content = path.read_bytes()
    yield path.name, content.decode("utf-8", "replace")
    if path.suffix == ".xlsx":
        with ZipFile(path) as parts:
            yield from ((f"{path.name}/{name}", parts.read(name).decode()) for name in parts.namelist())
    for packed in PACKED.findall(content):
        try:
            inner = b64decode(packed, validate=True)
        except NoBase64:
            continue
        yield (
            f"{path.name}, packed",
            (gzip.decompress(inner) if inner[:2] == b"\x1f\x8b" else inner).decode("utf-8", "replace"),
        )


def people(organization: Organization) -> set[str]:
    """Every name and address of the organization, as somebody would look for them."""
    found = set()
    for one in organization.users.values():
        found |= {text.casefold() for text in (one.name, one.email, one.handle) if text and text != one.id}
    return found


@pytest.mark.parametrize(
    "more", [("--from", "1d", "--all-permissions"), ("--compare", "run-1", "run-2")], ids=["period", "comparison"]
)
def test_nobody_is_named_in_any_file(
    cli: Cli, organization: Organization, tmp_path: Path, more: tuple[str, ...]
) -> None:
    cli.ok("sync")
    first, second = list(organization.users.values())[3:5]
    organization.rename(first.id, "Zaphod Quetzalcoatl")
    organization.remove_user(second.id)
    wanted = people(organization) | {(second.name or second.email).casefold(), second.email.casefold()}
    cli.ok("sync")
    out = tmp_path / "report"
    cli.env(ACCESSSYNC_OPERATOR="grace.hopper@acme.example")
    document = cli.ok("report", "--out", str(out), "--format", FORMATS, "--pseudonymize", "--sample", "5", *more)
    assert document["files"]
    wanted |= {"grace.hopper"}
    roles = {role.name.casefold() for role in organization.roles.values() if role.name}
    wanted = {one for one in wanted if not any(one in role for role in roles)}
    seen = 0
    for path in sorted(out.iterdir()):
        for where, text in texts(path):
            seen += 1
            folded = text.casefold()
            assert not [one for one in wanted if one in folded], where
    assert seen > len(list(out.iterdir())) + 10
    assert cli.ok("evidence", "verify", str(out))["verified"]


def test_pseudonyms_are_the_same_in_every_report_until_the_key_changes(cli: Cli, tmp_path: Path) -> None:
    cli.ok("sync")

    def emails(name: str) -> list[str]:
        cli.ok("report", "--out", str(tmp_path / name), "--format", "csv", "--pseudonymize")
        return [one["email"] for one in rows(tmp_path / name / "identities.csv")]

    first = emails("one")
    assert set(first) == set(emails("two"))
    assert all(re.fullmatch("p-[a-z2-7]{16}|", one) for one in first)
    cli.env(ACCESSSYNC_PSEUDONYM_KEY="another-key-of-the-operator")
    assert not set(first) & set(emails("three")) - {""}
    grants = rows(tmp_path / "three" / "grants.csv")
    assert {one["email"] for one in grants} <= set(emails("four"))


@pytest.mark.parametrize("profile", ["auditor", "owner"])
def test_a_profile_leaves_out_what_it_says_in_every_format(cli: Cli, tmp_path: Path, profile: str) -> None:
    cli.ok("sync")
    out = tmp_path / "report"
    cli.ok("report", "--out", str(out), "--format", FORMATS, "--profile", profile)
    for path in out.iterdir():
        for where, text in texts(path):
            if path.suffix != ".html" and not where.endswith("manifest.json"):
                told = text.replace("columns left out: ", "").partition("filters_applied")[0]
                assert '"nhi_confidence"' not in told, where
    assert (out / "findings.csv").exists() == (profile == "auditor")
    about = json.loads((out / "grants.json").read_bytes())["about"]
    assert any(text.startswith(f"profile {profile}") for text in about["filters_applied"])
    assert cli.ok("evidence", "verify", str(out))["verified"]


def test_a_profile_that_there_is_not_is_refused(cli: Cli) -> None:
    ended = cli("report", "--profile", "everything", "--json")
    assert (ended.code, ended.error["code"]) == (2, "usage")
    assert "choose from full, auditor, owner" in ended.error["remedy"]
