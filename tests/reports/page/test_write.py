"""What the page is as a file: its policy, its size, what it says of what is missing, and that nothing gets out of its
place."""

import gzip
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from accesssync.evidence.block import Check
from accesssync.reports.dataset import Dataset
from accesssync.reports.page.places import address, application
from accesssync.reports.page.told import clean, told
from accesssync.reports.page.write import write
from tests.reports.builders import block, listing
from tests.reports.page.organization import dataset, datasets, whole


def page_of(given: list[Dataset], **about: Any) -> str:
    """The page as text."""
    file = BytesIO()
    write(given, block(**about), file)
    return file.getvalue().decode()


def rows_of(page: str, name: str) -> dict[str, Any]:
    """The rows that the page carries for its script."""
    packed = re.search(rf'id="rows-{name}">([^<]*)</script>', page)
    assert packed
    found: dict[str, Any] = json.decode(gzip.decompress(b64decode(packed[1])))
    return found


class Tags(HTMLParser):
    """What a browser would make of a page: its elements and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_policy_names_exactly_the_scripts_and_styles_that_are_there() -> None:
    page = page_of(datasets(whole(30)))
    policy = re.search(r'content="(default-src[^"]*)"', page)
    assert policy
    rules = dict(one.strip().split(" ", 1) for one in policy[1].replace("&#39;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    for kind, pattern in (("script-src", r"<script>(.*?)</script>"), ("style-src", r"<style>(.*?)</style>")):
        texts = re.findall(pattern, page, re.DOTALL)
        hashes = [f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in texts]
        assert rules[kind].split() == hashes


def test_no_element_asks_for_anything_or_carries_a_script_or_a_style_of_its_own() -> None:
    for tag, attributes in Tags(page_of(datasets(whole(60)))).found:
        assert tag not in {"img", "link", "iframe", "object", "embed", "form", "base"}
        assert "src" not in attributes
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        href = attributes.get("href") or "#"
        assert href.startswith(("#", "https://app.datadoghq.eu/"))


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=60), st.text(max_size=60))
def test_no_text_of_a_stranger_adds_an_element(name: str, other: str) -> None:
    rows = whole(8)
    plain = [tag for tag, _ in Tags(page_of(datasets(rows))).found]
    for one in rows["identities"]:
        one["name"] = name
        one["email"] = other or name
        one["roles"] = (name, other)
    rows["findings"][0] |= {"subject_name": name, "title": other or name, "remediation": name}
    rows["findings"][0]["evidence"] = dict.fromkeys(rows["findings"][0]["evidence"], other or name)
    found = [tag for tag, _ in Tags(page_of(datasets(rows), org_name=name, generated_by=other)).found]
    assert found == plain


def test_the_rows_that_the_page_carries_are_those_of_the_dataset() -> None:
    rows = whole(200)
    carried = rows_of(page_of(datasets(rows)), "findings")
    columns = {one["name"]: one for one in carried["columns"]}
    assert carried["length"] == carried["kept"] == len(rows["findings"])

    def column(name: str) -> list[Any]:
        one = columns[name]
        return [None if row < 0 else one["values"][row] for row in one["rows"]] if "rows" in one else one["values"]

    shown = set(zip(column("finding_id"), column("severity"), column("age_days"), column("owner"), strict=True))
    assert shown == {(one["finding_id"], one["severity"], one["age_days"], None) for one in rows["findings"]}
    order = [("open", "reopened", "waived", "resolved").index(one) for one in column("status")]
    assert order == sorted(order)


def test_what_is_not_in_the_report_is_left_out_and_said() -> None:
    rows = whole(30)
    page = page_of([dataset("identities", rows["identities"])])
    assert "Not drawn, as this report has no such data: privileged identities over time, open findings" in page
    assert "Not in this report: findings, keys tokens, roles" in page
    assert "no earlier count" in page
    everything = {**rows, "effective_permissions": rows["role_permissions"], "joined": rows["changes"]}
    page = page_of(datasets(everything))
    assert "Not a table here: effective_permissions" in page
    assert 'id="rows-joined"' in page
    assert 'id="rows-effective_permissions"' not in page
    assert 'id="rows-trend"' not in page


def test_a_page_that_cannot_carry_every_row_says_so_and_counts_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = whole(300)
    everything = page_of(datasets(rows))
    monkeypatch.setattr("accesssync.reports.page.write.MOST_ROWS", 100)
    page = page_of(datasets(rows))
    assert "300 rows, of which this page carries the first 100" in page
    carried = rows_of(page, "identities")
    assert (carried["length"], carried["kept"]) == (300, 100)
    tile = re.compile(r'class="value">([\d,]+)<')
    assert tile.findall(page) == tile.findall(everything)


def test_what_was_not_seen_stands_above_every_number() -> None:
    page = page_of(
        datasets(whole(90)),
        complete=False,
        listings=(
            listing(),
            listing(resource="oauth_clients", state="denied", reason="needs org_authorized_apps_read"),
        ),
        reconciliation=(Check(id="users", means="users", left=3, right=4),),
    )
    unseen, tiles = page.index("Oauth clients: denied"), page.index('class="tiles"')
    assert unseen < tiles
    assert "needs org_authorized_apps_read" in page
    assert "Second factor: not known for" in page
    assert re.search(r"<strong>Incomplete\.</strong>", page)
    assert "Does not reconcile" in page
    assert "INCOMPLETE" in page
    assert "Incomplete" not in page_of(datasets(whole(9)))


def test_five_thousand_identities_fit_into_three_megabytes() -> None:
    file = BytesIO()
    assert write(datasets(whole(5_000)), block(), file) > 10_000
    assert file.tell() < 3_000_000


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("datadoghq.com", "https://app.datadoghq.com"),
        ("datadoghq.eu", "https://app.datadoghq.eu"),
        ("us3.datadoghq.com", "https://us3.datadoghq.com"),
        ("ddog-gov.com", "https://app.ddog-gov.com"),
        ("us2.ddog-gov.com", "https://us2.ddog-gov.com"),
    ],
)
def test_links_lead_to_the_pages_of_the_site(site: str, expected: str) -> None:
    assert application(site) == expected
    users = "Organization Settings > Users"
    assert address(site, users) == f"{expected}/organization-settings/users"
    identity = "0b6c1f5e-0000-4000-8000-0123456789ab"
    assert address(site, users, "identity", identity) == f"{expected}/organization-settings/users?user_id={identity}"
    assert address(site, users, "identity", "javascript:alert(1)") == f"{expected}/organization-settings/users"
    assert address(site, "the identity provider") is None


def test_a_text_is_cut_where_a_page_could_not_bear_it_and_says_how_long_it_was() -> None:
    assert clean("a" * 1_000_000).endswith("\u2026 (1,000,000 characters)")
    assert len(clean("\u202e" * 1_000_000)) < 2_000
    assert told({"email": [None, "a@b"], "gone": None}) == "email: \u2013, a@b"
    assert (told(None), told(False), told(12345), told(("a", "b"))) == ("\u2013", "no", "12,345", "a, b")
