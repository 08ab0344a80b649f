"""The page through the command line: its numbers against what the server holds and plain SQL, never our own figures."""

import re
import stat
from collections import Counter
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from accesssync.sandbox import Organization, SandboxServer, generate
from tests.cli.conftest import NOW, Cli


class Read:
    """A page as a reader without a browser has it."""

    def __init__(self, path: Path) -> None:
        self.html = path.read_text(encoding="utf-8")

    def tile(self, label: str) -> int:
        """The number of a tile."""
        found = re.search(rf'class="label">{label}</span>\s*<span class="value">([\d,]+)<', self.html)
        assert found, label
        return int(found[1].replace(",", ""))

    def rows(self, name: str) -> int:
        """How many rows the contents give a table."""
        found = re.search(rf'<a href="#table-{name}">[^<]* <span class="count">([\d,]+)</span>', self.html)
        assert found, name
        return int(found[1].replace(",", ""))

    def twin(self, figure: str) -> dict[str, list[int]]:
        """The table of a figure."""
        part = self.html.partition(f'id="{figure}"')[2].partition("</figure>")[0].partition("<tbody>")[2]
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in part.split("</tr>")]
        plain = [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in rows if row]
        return {row[0]: [int(cell.replace(",", "")) for cell in row[1:]] for row in plain}


def test_every_number_is_that_of_the_server_and_of_the_database(
    cli: Cli, organization: Organization, tmp_path: Path
) -> None:
    cli.ok("sync")
    out = tmp_path / "report"
    cli.ok("report", "--out", str(out), "--format", "html")
    page = Read(out / "index.html")
    assert stat.S_IMODE((out / "index.html").stat().st_mode) == 0o600

    users = organization.users.values()
    labels = {one["id"]: one["classification"]["label"] for one in cli.ok("identities")["identities"]}
    able = [one for one in users if one.status != "Disabled"]
    people = [one for one in able if labels[one.id] != "nhi"]
    machines = [one for one in able if labels[one.id] == "nhi"]
    assert page.tile("People with access") == len(people)
    assert page.tile("Machines with access") == len(machines)
    powerful = {one["id"] for one in cli.ok("admins")["admins"]}
    assert page.tile("Privileged people") == sum(one.id in powerful for one in people)
    assert page.tile("Privileged machines") == sum(one.id in powerful for one in machines)

    assert page.rows("identities") == len(users)
    assert page.rows("grants") == sum(len(one.role_ids) for one in users)
    assert page.rows("roles") == len(organization.roles)
    assert sum(page.twin("population-figure")["with access"][:-1]) == len(able)
    assert sum(count for (count,) in page.twin("logins-figure").values()) == sum(
        one.status == "Active" for one in people
    )

    engine = create_engine(cli.database, poolclass=NullPool)
    with engine.connect() as connection:
        told = connection.execute(
            text("SELECT severity, count(*) AS found FROM findings WHERE status = 'open' GROUP BY severity")
        )
        opened = Counter({one.severity: one.found for one in told})
        keys = connection.execute(text("SELECT count(*) FROM credentials WHERE to_run IS NULL")).scalar_one()
    assert page.tile("Open critical and high") == opened["critical"] + opened["high"]
    ages = page.twin("findings-figure")
    severities = ("critical", "high", "medium", "low", "info")
    assert [sum(row[place] for row in ages.values()) for place in range(5)] == [opened[one] for one in severities]
    assert sum(row[-1] for row in page.twin("ages-figure").values()) == page.rows("keys_tokens") == keys
    heat = page.twin("roles-figure")
    for role in organization.roles.values():
        if role.name in heat:
            assert sum(heat[role.name][1:]) == len(role.permission_ids)


def test_several_organizations_have_a_page_each_and_one_that_leads_to_them(
    cli: Cli, server: SandboxServer, tmp_path: Path
) -> None:
    with SandboxServer(generate(20, 3, NOW), max_page_size=100, rate_limit=100_000) as other:
        for name, one in (("ACME", server), ("EMEA", other)):
            variables = {"API_URL": one.url, "API_KEY": one.api_key, "APP_KEY": one.app_key}
            cli.env(**{f"ACCESSSYNC_ORGS__{name}__{key}": value for key, value in variables.items()})
        for name in ("DD_API_KEY", "DD_APP_KEY", "ACCESSSYNC_API_URL"):
            cli.monkeypatch.delenv(name)
        cli.ok("sync")
    out = tmp_path / "report"
    cli.ok("report", "--out", str(out), "--format", "html")
    front = Read(out / "index.html").html
    assert re.findall(r'<h2><a href="([^"]+)">', front) == ["acme/index.html", "emea/index.html"]
    assert front.count("Proven complete") == 2
    assert "<script" not in front
    assert Read(out / "emea" / "index.html").rows("identities") == 20
    assert cli("evidence", "verify", str(out)).code == 0


@pytest.mark.parametrize("browser", ["missing", "failing"])
def test_without_a_browser_that_prints_there_is_a_note_and_everything_else(
    cli: Cli, tmp_path: Path, browser: str
) -> None:
    cli.ok("sync")
    if browser == "missing":
        cli.monkeypatch.setenv("PATH", str(tmp_path))
    else:
        program = tmp_path / "browser"
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
        cli.env(ACCESSSYNC_REPORT__BROWSER=str(program))
    out = tmp_path / "report"
    document = cli.ok("report", "--out", str(out), "--format", "pdf,csv")
    assert any("no PDF" in text for text in document["warnings"])
    assert not (out / "report.pdf").exists()
    assert (out / "identities.csv").exists()


def test_a_browser_that_was_named_and_is_not_there_is_an_error(cli: Cli, tmp_path: Path) -> None:
    cli.ok("sync")
    cli.env(ACCESSSYNC_REPORT__BROWSER="/no/such/browser")
    ended = cli("report", "--out", str(tmp_path / "report"), "--format", "pdf", "--json")
    assert ended.code == 2
    assert "ACCESSSYNC_REPORT__BROWSER" in ended.error["remedy"]
    assert not (tmp_path / "report").exists()
