"""Whose is a key that somebody found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from accesssync.model.credential import CredentialType
from accesssync.reach.identify import identify
from tests.reach.organization import api_key, key

PORTION = "2ySDERb6wx1YqV1udJl61q"
KNOWN = [
    key("app", "ada", last4="cdef"),
    key("new", "ada", last4="Zz9_"),
    api_key("api", "ada", last4="cdef"),
    key("pat", "ada", type=CredentialType.PERSONAL_ACCESS_TOKEN, last4=PORTION),
    key("sat", "ada", type=CredentialType.SERVICE_ACCESS_TOKEN, last4=f"ddsat_{PORTION}"),
    key("bare", "ada", last4=None),
]


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("a" * 36 + "cdef", CredentialType.APPLICATION_KEY, ["app"]),
        ("A" * 36 + "CDEF", CredentialType.APPLICATION_KEY, ["app"]),
        ("a" * 28 + "cdef", CredentialType.API_KEY, ["api"]),
        ("ddapp_qqqqqqqqqqqqqqqqqqqqqqZz9_", CredentialType.APPLICATION_KEY, ["new"]),
        ("ddapp_qqqqqqqqqqqqqqqqqqqqqqzz9_", CredentialType.APPLICATION_KEY, []),
        (f"ddpat_{PORTION}_hidden", CredentialType.PERSONAL_ACCESS_TOKEN, ["pat"]),
        (f"ddsat_{PORTION}_hidden", CredentialType.SERVICE_ACCESS_TOKEN, ["sat"]),
        (f' "ddsat_{PORTION}_hidden"\n', CredentialType.SERVICE_ACCESS_TOKEN, ["sat"]),
        ("ddpat_2ySD", CredentialType.PERSONAL_ACCESS_TOKEN, []),
        ("b" * 32, CredentialType.API_KEY, []),
        ("pub" + "a" * 32, None, []),
        ("", None, []),
        ("hunter2cdef", None, []),
    ],
)
def test_prefix_or_shape_and_what_the_listings_show(text: str, kind: CredentialType | None, names: list[str]) -> None:
    found = identify(text, KNOWN)
    assert found.type == kind
    assert [one.credential.name for one in found.matches] == names


def test_an_id_is_no_secret_but_still_names_a_key() -> None:
    one = key("app", "ada", id="0F7A4AC5-2E21-4F7B-9B6F-0D4C7D0E8C11")
    found = identify("0f7a4ac5-2e21-4f7b-9b6f-0d4c7d0e8c11", [one])
    assert found.type is None
    assert [match.by for match in found.matches] == ["id"]


@given(st.from_regex(r"(ddapp_|ddpat_|ddsat_)?[0-9a-f]{32,40}", fullmatch=True))
def test_the_secret_is_nowhere_in_the_answer(secret: str) -> None:
    said = json.encode(identify(secret, KNOWN)).decode()
    bare = secret.rsplit("_", maxsplit=1)[-1]
    assert not any(bare[at : at + 8] in said for at in range(len(bare) - 8))
