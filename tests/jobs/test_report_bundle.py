"""A report's directory: whole or not at all, private, and never in the place of something else."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from accesssync.errors import StoreError, UsageError
from accesssync.jobs.report.bundle import Bundle, bundle

MANIFEST = b'{"schema": "accesssync.manifest/1"}'


def write(folder: Bundle, content: bytes = b"rows") -> None:
    with folder.file("identities.csv") as file:
        file.write(content)
    with folder.folder("emea").file("grants.csv") as file:
        file.write(content)
    with folder.file("manifest.json") as file:
        file.write(MANIFEST)


def make(out: Path, content: bytes = b"rows", meanwhile: Callable[[Bundle], object] = lambda _folder: None) -> None:
    with bundle(out) as folder:
        write(folder, content)
        meanwhile(folder)


def tree(path: Path) -> dict[str, bytes]:
    return {str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()}


@contextmanager
def nobody() -> Iterator[None]:
    """Without root's right to write everywhere, where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def leftovers(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir() if one.name.startswith("."))


def test_it_appears_whole_and_private_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "new" / "report"
    with bundle(out) as folder:
        write(folder)
        assert not out.exists()
        assert set(folder.files()) == {"identities.csv", "emea/grants.csv", "manifest.json"}
    assert set(tree(out)) == {"identities.csv", "emea/grants.csv", "manifest.json"}
    modes = {stat.S_IMODE(one.stat().st_mode) for one in (out, out / "emea")}
    assert modes == {0o700}
    assert {stat.S_IMODE(one.stat().st_mode) for one in out.rglob("*") if one.is_file()} == {0o600}
    assert leftovers(out.parent) == []


def test_a_report_of_ours_and_an_empty_directory_are_replaced(tmp_path: Path) -> None:
    out = tmp_path / "report"
    out.mkdir()
    for content in (b"first", b"second"):
        make(out, content)
        assert tree(out)["identities.csv"] == content
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("manifest", [None, b"", b"{", b"[]", b'{"schema": "other/1"}', b'{"schema": 1}', b"\xff"])
def test_anybody_elses_directory_is_left_alone(tmp_path: Path, manifest: bytes | None) -> None:
    out = tmp_path / "report"
    out.mkdir()
    (out / "thesis.tex").write_text("precious")
    if manifest is not None:
        (out / "manifest.json").write_bytes(manifest)
    before = tree(out)
    with pytest.raises(UsageError, match="is no report of accesssync"), bundle(out):
        pytest.fail("it has begun")
    assert tree(out) == before
    assert leftovers(tmp_path) == []


def test_what_comes_in_the_way_meanwhile_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "report"

    def comes(_folder: Bundle) -> None:
        out.mkdir()
        (out / "thesis.tex").write_text("precious")

    with pytest.raises(UsageError, match="is no report of accesssync"):
        make(out, meanwhile=comes)
    assert set(tree(out)) == {"thesis.tex"}
    assert leftovers(tmp_path) == []


def test_no_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    make(target)
    before = tree(target)
    for out in (tmp_path / "link", tmp_path / "dangling"):
        out.symlink_to(target if out.name == "link" else tmp_path / "nowhere")
        with pytest.raises(UsageError, match="symbolic link"), bundle(out):
            pytest.fail("it has begun")
        assert out.is_symlink()
    linked = tmp_path / "half"
    linked.mkdir()
    (linked / "manifest.json").symlink_to(target / "manifest.json")
    with pytest.raises(UsageError, match="is no report"), bundle(linked):
        pytest.fail("it has begun")
    assert tree(target) == before


def test_a_file_or_the_root_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out, why in ((tmp_path / "file", "is a file"), (Path("/"), "no place for a report")):
        with pytest.raises(UsageError, match=why), bundle(out):
            pytest.fail("it has begun")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_what_cannot_be_written_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    out = tmp_path / "report"
    make(out, b"before")
    before = tree(tmp_path)

    def refuses(*_arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuses)
    with pytest.raises(StoreError, match=os.strerror(number)) as raised:
        make(out, b"after")
    assert raised.value.exit_code == 9
    assert tree(tmp_path) == before


def test_a_full_disk_in_the_middle_of_a_file_leaves_nothing(tmp_path: Path) -> None:
    def fills(folder: Bundle) -> None:
        with folder.file("half.csv") as file:
            file.write(b"half a row")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreError, match="No space left on device"):
        make(tmp_path / "report", meanwhile=fills)
    assert list(tmp_path.iterdir()) == []


def test_the_old_report_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report"
    make(out, b"before")
    rename = Path.rename

    def refuses(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuses)
    with pytest.raises(StoreError):
        make(out, b"after")
    assert tree(out)["identities.csv"] == b"before"
    assert leftovers(tmp_path) == []


def test_a_bug_or_a_signal_leaves_nothing_either(tmp_path: Path) -> None:
    def ends(_folder: Bundle) -> None:
        raise problem

    for problem in (RuntimeError("a bug"), KeyboardInterrupt()):
        with pytest.raises(type(problem)):
            make(tmp_path / "report", meanwhile=ends)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_may_not_be_written() -> None:
    # Not below pytest's own directory, which nobody but its owner may enter.
    with TemporaryDirectory() as closed:
        Path(closed).chmod(0o555)
        with nobody(), pytest.raises(StoreError, match="Permission denied"), bundle(Path(closed) / "report"):
            pytest.fail("it has begun")
