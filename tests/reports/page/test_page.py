"""The page in a real browser: what its readers do with it."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from accesssync.reports.page.told import clean
from tests.reports.builders import block, listing
from tests.reports.page.conftest import Opened, until
from tests.reports.page.organization import dataset, datasets, identities, name_of, whole

COUNT = 300
ROWS = whole(COUNT)
TABLE = "#table-identities"


def told(page: Page, table: str = TABLE) -> str:
    """How many rows a table says it shows."""
    return page.locator(f"{table} [role=status]").text_content() or ""


def column(page: Page, place: int, table: str = TABLE) -> list[str]:
    """The cells of a column that are in sight."""
    return page.locator(f"{table} .live tbody tr[data-place] td:nth-child({place})").all_inner_texts()


def test_nothing_is_fetched_and_the_policy_lets_nothing_else_run(opened: Opened) -> None:
    with opened(datasets(ROWS)) as page:
        refused = page.evaluate(
            """() => new Promise((done) => {
                document.addEventListener("securitypolicyviolation", (event) => done(event.violatedDirective));
                const script = document.createElement("script");
                script.textContent = "window.foreign = true";
                document.body.append(script);
                setTimeout(() => done(null), 2000);
            })"""
        )
        assert refused.startswith("script-src")
        assert page.evaluate("window.foreign") is None
        opened.said.clear()  # What the browser says of the refused script.


def test_words_values_and_days_narrow_a_table_to_the_rows_that_are_like_that(opened: Opened) -> None:
    with opened(datasets(ROWS)) as page:
        assert told(page) == f"{COUNT} rows"
        page.fill(f"{TABLE} input[type=search]", "PERSON-00001 standard")
        until(page, f"document.querySelector('{TABLE} [role=status]').textContent.includes('of')")
        wanted = [
            one
            for one in ROWS["identities"]
            if "person-00001" in one["email"] and any("Standard" in role for role in one["roles"])
        ]
        assert told(page) == f"{len(wanted)} of {COUNT} rows"
        page.click(f"{TABLE} button:has-text('Clear filters')")
        assert told(page) == f"{COUNT} rows"

        status = page.locator(f"{TABLE} label:has-text('Status') select").first
        status.select_option(label=next(one for one in status.locator("option").all_inner_texts() if "Pending" in one))
        pending = sum(one["status"] == "Pending" for one in ROWS["identities"])
        assert told(page) == f"{pending} of {COUNT} rows"
        assert set(column(page, 4)) == {"Pending"}

        roles = page.locator(f"{TABLE} label:has-text('Roles') select")
        roles.select_option(label=next(one for one in roles.locator("option").all_inner_texts() if "Standard" in one))
        both = sum(one["status"] == "Pending" and "Datadog Standard Role" in one["roles"] for one in ROWS["identities"])
        assert told(page) == f"{both} of {COUNT} rows"
        page.click(f"{TABLE} button:has-text('Clear filters')")

        page.fill(f"{TABLE} input[type=date]", "2026-01-01")
        since = datetime(2026, 1, 1, tzinfo=UTC)
        assert told(page) == f"{sum(one['created_at'] >= since for one in ROWS['identities'])} of {COUNT} rows"
        page.fill(f"{TABLE} input[type=search]", "nobody is called that")
        until(page, f"document.querySelector('{TABLE} [role=status]').textContent.startsWith('0 of')")
        assert "No row is like that." in page.inner_text(f"{TABLE} tbody")


def test_a_column_sorts_both_ways_says_so_and_leaves_what_is_not_known_at_the_end(opened: Opened) -> None:
    with opened(datasets(ROWS)) as page:
        heading = page.locator(f"{TABLE} .live th:has-text('Last login')")
        logins = sorted(one["last_login_at"] for one in ROWS["identities"] if one["last_login_at"])
        for way, expected in (("ascending", logins[0]), ("descending", logins[-1])):
            heading.locator("button").click()
            assert heading.get_attribute("aria-sort") == way
            assert column(page, 5)[0] == f"{expected:%Y-%m-%d %H:%M}"
            page.eval_on_selector(f"{TABLE} .grid-box", "(box) => { box.scrollTop = box.scrollHeight; }")
            until(page, f"document.querySelector('{TABLE} tr[data-place=\"{COUNT - 1}\"]') !== null")
            assert column(page, 5)[-1] == "\u2013"
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") is None


def test_the_contents_lead_to_the_table_that_they_name(opened: Opened) -> None:
    with opened(datasets(ROWS)) as page:
        for name in ("changes", "privileged", "roles"):
            page.click(f".contents a[href='#table-{name}']")
            page.wait_for_timeout(900)
            top = page.evaluate(f"document.querySelector('#table-{name}').getBoundingClientRect().top")
            assert 0 <= top < 200


def test_of_many_rows_only_those_in_sight_are_in_the_document(opened: Opened) -> None:
    people = identities(20_000)
    with opened([dataset("identities", people)]) as page:
        page.locator(TABLE).scroll_into_view_if_needed()
        assert page.locator(f"{TABLE} .live tbody tr").count() < 80
        page.locator(f"{TABLE} .live th:has-text('Email') button").click()
        page.eval_on_selector(f"{TABLE} .grid-box", "(box) => { box.scrollTop = box.scrollHeight; }")
        page.wait_for_selector(f"{TABLE} .live tbody tr:has-text('person-019999@')")
        assert page.get_attribute(f"{TABLE} .live table", "aria-rowcount") == "20001"
        assert page.locator(f"{TABLE} .live tbody tr").count() < 80


def test_an_identity_opens_with_everything_about_it_and_the_reader_comes_back(opened: Opened) -> None:
    admin = next(one for one in ROWS["identities"] if "Datadog Admin Role" in one["roles"] and one["open_findings"])
    identity = admin["identity_id"]
    with opened(datasets(ROWS)) as page:
        page.fill(f"{TABLE} input[type=search]", admin["email"])
        link = page.locator(f"{TABLE} .live tbody a:has-text('{admin['email']}')")
        link.wait_for()
        link.click()
        panel = page.locator("#panel")
        panel.get_by_role("heading", name="Person").wait_for()
        words = panel.inner_text()
        assert f"Roles ({len(admin['roles'])})" in words
        powers = {
            permission["permission"]
            for permission in ROWS["role_permissions"]
            if permission["privileged"] and permission["role_name"] in admin["roles"]
        }
        assert f"Effective privileged permissions ({len(powers)})" in words
        assert all(one in words for one in powers)
        for title, name, rows in (
            ("Credentials", "owner_id", ROWS["keys_tokens"]),
            ("Findings", "subject_id", ROWS["findings"]),
            ("History", "subject_id", ROWS["changes"]),
        ):
            assert f"{title} ({sum(one[name] == identity for one in rows)})" in words
        page.keyboard.press("Escape")
        assert not panel.is_visible()
        assert page.evaluate("document.activeElement.textContent") == admin["email"]
        assert "#identity" not in page.url


def test_an_address_with_an_identity_opens_its_panel_and_one_that_nobody_has_says_so(opened: Opened) -> None:
    someone = ROWS["identities"][5]
    with opened(datasets(ROWS), fragment=f"#identity={someone['identity_id']}") as page:
        page.wait_for_selector("#panel[open] h2")
        assert page.inner_text("#panel h2") == someone["name"]
        page.click("#panel button:has-text('Close')")
        page.evaluate("location.hash = '#identity=nobody'")
        page.wait_for_selector("#panel[open]")
        assert "no identity with that id" in page.inner_text("#panel")


def test_everything_works_by_the_keyboard_alone(opened: Opened) -> None:
    with opened(datasets(ROWS)) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        search = page.locator(f"{TABLE} input[type=search]")
        search.focus()
        page.keyboard.type("person-0000")
        until(page, f"document.querySelector('{TABLE} [role=status]').textContent.includes('of')")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('#table-identities .live tbody a')"):
                break
        first = page.evaluate("document.activeElement.closest('tr').dataset.place")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("End")
        page.keyboard.press("Home")
        page.keyboard.press("ArrowDown")
        assert (first, page.evaluate("document.activeElement.closest('tr').dataset.place")) == ("0", "1")
        page.keyboard.press("Enter")
        page.wait_for_selector("#panel[open]")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.closest('tr').dataset.place") == "1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Opened, scheme: str) -> None:
    with opened(datasets(ROWS), block(complete=False), color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found = [_serious(page)]
        page.evaluate("location.hash = document.querySelector('#table-privileged a[href^=\"#identity\"]').hash")
        page.wait_for_selector("#panel[open]")
        found.append(_serious(page))
        assert found == [[], []]


def _serious(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:300]}"
        for one in violations
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"][:3]
    ]


def test_the_theme_is_that_of_the_system_until_a_reader_chooses(opened: Opened) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(datasets(ROWS), color_scheme="dark") as page:
        dark = page.evaluate(ground)
        page.click("#theme")
        assert page.inner_text("#theme") == "Theme: light"
        assert page.evaluate(ground) != dark
        page.emulate_media(media="print")
        assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_on_paper_are_the_first_rows_and_where_the_rest_is(opened: Opened) -> None:
    incomplete = block(complete=False, listings=(listing(), listing(resource="api_keys", state="denied", stored=0)))
    with opened(datasets(ROWS), incomplete) as page:
        page.locator(TABLE).scroll_into_view_if_needed()
        page.emulate_media(media="print")
        assert not page.is_visible(f"{TABLE} .live")
        assert page.locator(f"{TABLE} .static tbody tr").count() == 25
        assert "the rest is in identities.csv" in page.inner_text(f"{TABLE} .rest")
        assert page.is_visible(".incomplete")
        rules = page.evaluate(
            "[...document.styleSheets].flatMap((one) => [...one.cssRules]).map((one) => one.cssText).join()"
        )
        assert "INCOMPLETE" in rules
        assert "Api keys: denied" in page.inner_text("#unseen")


def test_without_scripts_everything_but_the_later_rows_is_there(opened: Opened) -> None:
    with opened(datasets(ROWS), java_script_enabled=False) as page:
        assert page.locator(".tile .value").count() == 8
        assert page.locator(".picture").count() == 7
        assert page.locator(".kinds > li").count() > 0
        assert page.locator(f"{TABLE} .static tbody tr").count() == 25
        assert page.locator(".live, #theme:visible, .copy:visible").count() == 0


HOSTILE = (
    "<img src=x onerror=window.foreign=1>",
    "</script><script>window.foreign=1</script>",
    "\u202egnp.exe",
    "\x00nul\x1b[31m",
    "\ud800lone",
    "{{ 7 * 7 }}",
    "\u05d0\u05d1\u05d2 \u05d3\u05d4",
    '=HYPERLINK("http://x")',
    "name " * 200_000,
)


def test_names_of_strangers_stay_text_wherever_they_stand(opened: Opened) -> None:
    rows = whole(40)
    for number, words in enumerate(HOSTILE):
        rows["identities"][number]["name"] = words
        rows["identities"][number]["email"] = words
        rows["identities"][number]["roles"] = (words,)
        rows["findings"][number % len(rows["findings"])] |= {"subject_name": words, "title": words, "status": "open"}
        rows["findings"][number % len(rows["findings"])]["evidence"] = {words[:40]: words, "list": [words]}
    rows["roles"] = [{**one, "name": HOSTILE[place]} for place, one in enumerate(rows["roles"])]
    about = block(org_name=HOSTILE[1], generated_by=HOSTILE[0], environment=HOSTILE[2], limitations=HOSTILE)
    with opened(datasets(rows), about) as page:
        for place, words in enumerate(HOSTILE):
            page.evaluate(f"location.hash = '#identity={rows['identities'][place]['identity_id']}'")
            page.wait_for_selector("#panel[open]")
            until(page, f"document.querySelector('#panel').textContent.includes('{name_of(place)}')")
            heading = page.locator("#panel h2 bdi").text_content() or ""
            assert heading == clean(words)
            assert len(heading) < 400
            page.keyboard.press("Escape")
        until(page, f"document.querySelectorAll('{TABLE} .live td a bdi').length >= {len(HOSTILE)}")
        assert page.evaluate("window.foreign") is None
        assert page.locator("img").count() == 0


@pytest.mark.parametrize("count", [0, 1])
def test_an_organization_of_nobody_or_one_is_a_page_too(opened: Opened, count: int) -> None:
    columns = list(ROWS["identities"][0])
    empty = [dataset(name, rows[:count], list(rows[0])) for name, rows in ROWS.items() if name != "identities"]
    with opened([dataset("identities", ROWS["identities"][1 : 1 + count], columns), *empty]) as page:
        values = page.locator(".tile .value").all_inner_texts()
        assert values[0] == str(count)
        assert "NaN" not in page.content()


def test_the_numbers_on_the_page_are_those_of_the_rows(opened: Opened) -> None:
    people = ROWS["identities"]
    able = [one for one in people if not one["disabled"]]
    everyone = [one for one in able if one["type"] in ("human", "unknown")]
    humans = [one for one in everyone if one["status"] == "Active"]
    opens = [one for one in ROWS["findings"] if one["status"] in ("open", "reopened")]
    pressing = [one for one in opens if one["severity"] in ("critical", "high")]
    expected = [
        len(everyone),
        len(able) - len(everyone),
        sum(one["is_privileged"] for one in everyone),
        sum(one["is_privileged"] for one in able if one["type"] not in ("human", "unknown")),
        len(ROWS["dormant"]),
        len(ROWS["external"]),
        len(pressing),
        sum(one["mfa_enabled"] is False for one in humans),
    ]
    with opened(datasets(ROWS)) as page:
        assert page.locator(".tile .value").all_inner_texts() == [f"{one:,}" for one in expected]
        ages = _twin(page, "findings-figure")
        buckets = Counter((one["severity"], _bucket(one["age_days"], (7, 30, 90, 180))) for one in opens)
        severities = ("critical", "high", "medium", "low", "info")
        assert [row[1:-1] for row in ages] == [
            [str(buckets[severity, place]) for severity in severities] for place in range(5)
        ]
        logins = Counter(
            one["last_login_state"]
            if one["last_login_at"] is None
            else _bucket((block().run_finished_at - one["last_login_at"]).days, (30, 45, 90, 180))
            for one in humans
        )
        assert [row[1] for row in _twin(page, "logins-figure")] == [
            str(logins[one]) for one in (0, 1, 2, 3, 4, "never", "unknown")
        ]
        kinds = Counter(one["kind"] for one in ROWS["keys_tokens"])
        assert sum(int(cell) for row in _twin(page, "ages-figure") for cell in row[1:-1]) == kinds.total()
        heat = {row[0]: row[2:] for row in _twin(page, "roles-figure")}
        assert heat["Datadog Admin Role"][:3] == ["2", "0", "1"]
        assert page.inner_text(".tile:nth-child(3) .delta").endswith("+1")


def _twin(page: Page, name: str) -> list[list[str]]:
    page.evaluate(f"document.querySelector('#{name} details').open = true")
    rows = page.locator(f"#{name} .twin tbody tr").all()
    return [row.locator("th, td").all_text_contents() for row in rows]


def _bucket(days: int, edges: tuple[int, ...]) -> int:
    return sum(days > edge for edge in edges)
