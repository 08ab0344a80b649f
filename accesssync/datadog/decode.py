"""Turn response bodies into our model. One bad record never costs the others; one bad page is never an empty one."""

import re
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from accesssync.datadog.included import Included
from accesssync.datadog.repair import ID_LENGTH, UNFIT, usable_id
from accesssync.datadog.shape import Joined, Shape
from accesssync.errors import ResponseError
from accesssync.snapshot.source import Page, Record

R = TypeVar("R", bound=Record)

# Above this a count is nonsense, and would not survive other systems' integers and floats.
_LARGEST_COUNT = 2**53


class _RawPage(Struct):
    data: list[Raw]
    meta: Raw = Raw(b"null")


class _RawOne(Struct):
    data: Raw


_raw_page = Decoder(_RawPage)
_raw_one = Decoder(_RawOne)


def decode_page(body: bytes, kind: Shape[R] | Joined[R]) -> Page[R]:
    """One page of a listing, in the order it was sent, repeated ids included.

    A record with unusable attributes is kept, with their names in `malformed`; one without a usable id is
    counted in `nameless`. Raises ResponseError for anything that is not a JSON object with a list of objects
    in `data`.
    """
    body = storable(body)
    shape = _shape(body, kind)
    try:
        document = shape.page.decode(body)
        records = list(map(shape.build, document.data))
    except UNFIT:
        document = None
    if document is None:
        return _page_by_record(body, shape)
    nameless = 0
    if not all(0 < len(record.id) <= ID_LENGTH for record in records):
        usable = [record for record in records if usable_id(record.id)]
        nameless, records = len(records) - len(usable), usable
    return Page(records, *_totals(document.meta), nameless)


def decode_one(body: bytes, kind: Shape[R] | Joined[R]) -> R:
    """The single record in `data`. Raises ResponseError where there is none with a usable id."""
    body = storable(body)
    try:
        raw = _raw_one.decode(body).data
    except UNFIT as error:
        problem = unusable(error)
    else:
        record = _record(raw, _shape(body, kind))
        if record is not None:
            return record
        problem = ResponseError("the answer holds no record", status=200)
    raise problem


def storable(body: bytes) -> bytes:
    """Replace what JSON can escape but a database cannot hold: NUL and halves of surrogate pairs."""
    # Nearly every body is clean; finding that out must cost nothing.
    if b"\\" not in body or not (b"\\u0000" in body or b"\\ud" in body or b"\\uD" in body):
        return body
    return _ESCAPE.sub(lambda match: b"\\ufffd" if match["bad"] else match[0], body)


# Escapes are taken one after the other, so that the second half of an escaped backslash never starts one.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<bad>u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def unusable(error: Exception) -> ResponseError:
    """What to raise for a body that one of `UNFIT` says cannot be decoded."""
    if isinstance(error, msgspec.ValidationError):
        return ResponseError("the answer is JSON, but not what this endpoint promises", status=200)
    if isinstance(error, RecursionError):
        return ResponseError("the answer is nested too deeply", status=200)
    return ResponseError("the answer is not complete, valid JSON", status=200)


def member(value: object, name: str) -> dict[str, Any]:
    """The object under `name`; empty where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _shape(body: bytes, kind: Shape[R] | Joined[R]) -> Shape[R]:
    return kind.over(Included(body)) if isinstance(kind, Joined) else kind


def _page_by_record(body: bytes, shape: Shape[R]) -> Page[R]:
    try:
        page = _raw_page.decode(body)
    except UNFIT as error:
        problem = unusable(error)
    else:
        records = [record for raw in page.data if (record := _record(raw, shape)) is not None]
        if not page.data or any(bytes(raw).startswith(b"{") for raw in page.data):
            try:
                meta = msgspec.json.decode(page.meta)
            except UNFIT:
                meta = None
            return Page(records, *_totals(meta), len(page.data) - len(records))
        problem = ResponseError("the answer's data is not a list of records", status=200)
    raise problem


def _record(raw: Raw, shape: Shape[R]) -> R | None:
    try:
        record = shape.build(shape.record.decode(raw))
    except UNFIT:
        return shape.mend(raw)
    return record if usable_id(record.id) else None


def _totals(meta: object) -> tuple[int | None, int | None]:
    page = member(meta, "page")
    total = _count(page.get("total_filtered_count"))
    if total is None:
        # Teams and their members are counted elsewhere than everything else.
        total = _count(member(meta, "pagination").get("total"))
    size = _count(page.get("max_page_size"))
    return total, size or None


def _count(value: object) -> int | None:
    # `True` is an int to Python, and no count to anybody.
    return value if type(value) is int and 0 <= value <= _LARGEST_COUNT else None
