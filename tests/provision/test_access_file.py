"""An access file is read whole or refused with every problem by its line."""

import pytest

from accesssync.errors import InputError
from accesssync.parse.problems import Problems
from accesssync.provision.access_file import read_draft
from accesssync.provision.desired import Mode, fold
from accesssync.provision.export import as_csv, left_out, lines
from tests.provision.builders import ADMIN, READ, STANDARD, desired, organization, person, plan, wish

ORG = organization()
WHOLE = """\
version: 1
org: acme
mode: authoritative
users:
  - email: Ada@Example.com
    name: Ada Lovelace
    title: Engineer
    roles: [Datadog Standard Role, role-read]
    expires: 2027-03-31
service_accounts:
  - name: terraform-ci
    email: terraform-ci@example.com
    owner: platform@example.com
    roles: [Datadog Read Only Role]
absent:
  - email: left@example.com
"""


def problems_of(text: str | bytes, name: str = "access.yaml") -> tuple[str, ...]:
    content = text if isinstance(text, bytes) else text.encode()
    problems = Problems()
    draft = read_draft(content, name, problems)
    if not problems.found():
        from accesssync.provision.access_file import resolve

        resolve(draft, "acme", ORG.roles.values())
    return problems.found()


def test_every_field_of_the_contract_is_read() -> None:
    found = desired(WHOLE, ORG)
    [ada], [account], [left] = found.users, found.service_accounts, found.absent
    assert (found.mode, found.org, found.invite) == (Mode.AUTHORITATIVE, "acme", True)
    assert (ada.email, ada.name, ada.title, str(ada.expires)) == (
        "Ada@Example.com",
        "Ada Lovelace",
        "Engineer",
        "2027-03-31",
    )
    assert ada.role_ids == (READ, STANDARD)
    assert (account.name, account.owner, account.role_ids, account.service_account) == (
        "terraform-ci",
        "platform@example.com",
        (READ,),
        True,
    )
    assert (left.email, left.where) == ("left@example.com", "access.yaml:16")


def test_the_csv_form_says_the_same_of_people() -> None:
    text = "email,name,title,roles\nada@example.com,Ada,,Datadog Standard Role;Datadog Read Only Role\n"
    [ada] = desired(text, ORG, "people.csv").users
    assert (ada.email, ada.name, ada.title, ada.role_ids) == ("ada@example.com", "Ada", None, (READ, STANDARD))
    assert ada.where == "people.csv:2"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (wish("users:", "  - email: a@x.io", "    roles: [Datadog Standart Role]"), 6, "did you mean Datadog Standard"),
        (wish("users:", "  - email: a@x.io", "    role: [x]"), 6, "did you mean roles"),
        (
            wish("users:", "  - email: a@x.io", "    roles: []", "  - email: A@X.io", "    roles: []"),
            7,
            "there as a@x.io",
        ),
        (wish("users:", "  - email: a@x.io", "    roles: []", "absent:", "  - email: a@x.io"), 8, "there twice"),
        (wish("users:", "  - email: m\u0131ke@x.io", "    roles: []"), 5, "U+0131"),
        (wish("users:", "  - email: nobody", "    roles: []"), 5, "no e-mail address"),
        (wish("users:", "  - email: a@x.io", "    roles: []", "    expires: 31.3.2027"), 7, "no day"),
        (wish("users: []"), 1, "names nobody"),
        (wish("mode: x", "users: []"), 4, "twice"),
        ("version: 1\norg: acme\nmode: additiv\nabsent:\n  - email: a@x.io\n", 3, "did you mean additive"),
        ("version: 2\norg: acme\nabsent:\n  - email: a@x.io\n", 1, "2"),
        ("version: 1\nabsent:\n  - email: a@x.io\n", 1, "org is missing"),
        ("a: &a [1]\nb: [*a,*a]\n", 1, "anchors"),
        ("", 1, ""),
    ],
)
def test_what_is_wrong_is_told_by_its_line(text: str, line: int, said: str) -> None:
    found = problems_of(text)
    assert any(one.startswith(f"access.yaml:{line}: ") and said in one for one in found), found


def test_bytes_that_are_no_text_are_refused() -> None:
    assert "UTF-8" in problems_of(b"version: 1\norg: \xff\n")[0]


def test_a_file_that_is_far_too_large_is_not_even_parsed() -> None:
    assert "larger" in problems_of(b"#" * (16 * 2**20 + 1))[0]


def test_every_problem_is_told_at_once() -> None:
    text = wish("users:", "  - email: nobody", "    roles: [x]", "  - email: b@x.io", "    rolles: []")
    with pytest.raises(InputError) as caught:
        desired(text, ORG)
    assert len(caught.value.problems) >= 2


def test_ascii_letters_alone_are_folded() -> None:
    assert fold("ADA@Example.COM") == "ada@example.com"
    assert fold("\u212aate@example.com") != fold("kate@example.com")


@pytest.mark.parametrize(
    "name", ["O'Brien: #1", "yes", "- x", "Zoë \U0001f600", '"quoted"', "Anna\u00a0B", "null", "007"]
)
def test_an_export_planned_at_once_asks_for_nothing(name: str) -> None:
    org = organization(
        person("ada", ADMIN, STANDARD, name=name, title="Engineer, Sr."),
        person("bob", name=None),
        person("gone", STANDARD, disabled=True, status="Disabled"),
        person("robot", READ, service_account=True, name="terraform-ci", handle="robot"),
    )
    text = "\n".join(lines(org, left_out(org))) + "\n"
    assert plan(text, org).actions == ()
    assert plan(text.replace("additive ", "authoritative "), org).actions == ()


def test_an_export_says_whom_it_cannot_name() -> None:
    twins = [person("ada"), person("twin", email="ADA@example.com"), person("odd", email="m\u0131ke@example.com")]
    org = organization(*twins, person("none", email=None), person("sly", name="Eve\u202eda"))
    said = "\n".join(left_out(org))
    assert all(word in said for word in ("2 user records", "outside ASCII", "no address", "cannot be written"))
    assert "sly@example.com" not in "\n".join(line for line in lines(org, []) if not line.startswith("#"))


def test_the_csv_export_is_read_back() -> None:
    org = organization(person("ada", ADMIN, STANDARD, name='Ada "Countess", L.'))
    assert plan(as_csv(org), org, name="people.csv").actions == ()
