"""Records in a file: private, whole lines only, followed when it is rotated."""

import errno
import io
import json
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.jobs.forward.ndjson import NdjsonFile, NdjsonStream, line
from accesssync.model.delivery import Delivered, Stopped


def read(path: Path) -> list[object]:
    return [json.loads(one) for one in path.read_text("utf-8").splitlines()]


def test_a_new_file_is_private_and_holds_a_document_a_line(tmp_path: Path) -> None:
    path = tmp_path / "out.ndjson"
    sink = NdjsonFile(path)
    assert sink.send([b'{"a":1}', b'{"b":2}']) == Delivered()
    assert sink.send([b'{"c":3}']) == Delivered()
    assert read(path) == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_rotated_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "out.ndjson"
    sink = NdjsonFile(path)
    sink.send([b'{"a":1}'])
    path.rename(tmp_path / "out.ndjson.1")
    sink.send([b'{"b":2}'])
    assert read(path) == [{"b": 2}]
    assert read(tmp_path / "out.ndjson.1") == [{"a": 1}]


def test_several_writers_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "out.ndjson"
    records = [json.dumps({"n": n, "text": "x" * 2_000}).encode() for n in range(50)]
    threads = [threading.Thread(target=NdjsonFile(path).send, args=(records,)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one["n"] for one in read(path)) == sorted(list(range(50)) * 4)  # type: ignore[index]


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.ndjson"
    sink = NdjsonFile(path)
    sink.send([b'{"a":1}'])
    write = os.write

    def full(handle: int, text: bytes) -> int:
        if len(text) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, bytes(text)[:5])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        outcome = sink.send([b'{"b":22222222222}'])
    assert isinstance(outcome, Stopped)
    assert "No space left" in outcome.reason
    assert read(path) == [{"a": 1}]
    sink.send([b'{"c":3}'])
    assert read(path) == [{"a": 1}, {"c": 3}]


@pytest.mark.parametrize("what", ["link", "directory", "missing"])
def test_what_is_no_ordinary_file_is_said_and_left_alone(tmp_path: Path, what: str) -> None:
    path = tmp_path / "out.ndjson"
    other = tmp_path / "other"
    other.write_text("precious")
    if what == "link":
        path.symlink_to(other)
    elif what == "directory":
        path.mkdir()
    else:
        path = tmp_path / "nowhere" / "out.ndjson"
    assert isinstance(NdjsonFile(path).send([b"{}"]), Stopped)
    assert other.read_text() == "precious"


def test_a_stream_gets_the_same_lines() -> None:
    stream = io.BytesIO()
    assert NdjsonStream(stream).send([b'{"a":1}', b'{"b":2}']) == Delivered()
    assert stream.getvalue() == b'{"a":1}\n{"b":2}\n'
    stream.close()
    assert isinstance(NdjsonStream(stream).send([b"{}"]), Stopped)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=4))
def test_a_line_is_one_line_says_the_same_and_obeys_nobody(record: dict[str, str]) -> None:
    record = {
        name.encode("utf-8", "replace").decode(): text.encode("utf-8", "replace").decode()
        for name, text in record.items()
    }
    found = line(json.dumps(record, ensure_ascii=False).encode())
    assert found.count(b"\n") == 1
    assert json.loads(found) == record
    shown = found.decode().rstrip("\n")
    assert not [one for one in shown if one < " " or "\x7f" <= one <= "\x9f" or "\u202a" <= one <= "\u202e"]
