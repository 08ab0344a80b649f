"""Signatures of posts: whoever has the key can tell who sent one and when, and nobody else can make one."""

from hashlib import sha256
from hmac import new

from hypothesis import given
from hypothesis import strategies as st

from accesssync.forward.sign import DELIVERY, SIGNATURE, TIMESTAMP, TOLERANCE, headers, verify

KEY = b"correct-horse-battery-staple"
AT = 1_795_000_000


def test_the_signature_is_the_documented_one() -> None:
    told = headers(b"{}", AT, KEY)
    assert told[TIMESTAMP] == str(AT)
    assert told[SIGNATURE] == "v1=" + new(KEY, f"v1:{AT}:".encode() + b"{}", sha256).hexdigest()
    assert verify(b"{}", told[TIMESTAMP], told[SIGNATURE], KEY, AT + 1)


def test_without_a_key_nothing_is_signed() -> None:
    assert SIGNATURE not in headers(b"{}", AT, None)


def test_the_same_batch_sent_again_has_the_same_name_and_another_has_another() -> None:
    first, again, other = headers(b"a", AT, KEY), headers(b"a", AT + 9, KEY), headers(b"b", AT, KEY)
    assert first[DELIVERY] == again[DELIVERY] != other[DELIVERY]
    assert first[SIGNATURE] != again[SIGNATURE]


@given(st.binary(max_size=40), st.binary(max_size=40), st.text("abz!", min_size=1, max_size=20), st.integers(-900, 900))
def test_only_the_same_body_key_and_time_verify(body: bytes, other: bytes, key: str, late: int) -> None:
    told = headers(body, AT, KEY)
    assert verify(body, told[TIMESTAMP], told[SIGNATURE], KEY, AT + late) is (abs(late) <= TOLERANCE)
    assert verify(other, told[TIMESTAMP], told[SIGNATURE], KEY, AT) is (other == body)
    assert not verify(body, told[TIMESTAMP], told[SIGNATURE], KEY + key.encode(), AT)
    assert not verify(body, str(AT + 1), told[SIGNATURE], KEY, AT)


@given(st.text(max_size=12), st.text(max_size=80))
def test_nonsense_is_refused_and_raises_nothing(timestamp: str, signature: str) -> None:
    assert not verify(b"{}", timestamp, signature, KEY, AT)
