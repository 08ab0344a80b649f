"""A bundle is verified as it was made, and whatever is done to it afterwards is named."""

import base64
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accesssync.errors import StoreError, UsageError, VerificationError
from accesssync.evidence.manifest import ENVELOPE, INSTRUCTION, MANIFEST, SUMS, File, write_manifest
from accesssync.evidence.sign import fingerprint, public_pem, sign
from accesssync.jobs.evidence import refuse_altered, verdict_document, verify_bundle
from tests.evidence.bundles import FILES, KEY, OTHER, bundle
from tests.reports.builders import block


@pytest.fixture
def public(tmp_path: Path) -> Path:
    path = tmp_path / "public.pem"
    path.write_text(public_pem(KEY.public_key()))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "report"


@pytest.fixture(scope="module", params=[False, True], ids=["unsigned", "signed"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    bundle(folder, signed=request.param)
    (folder.parent / "public.pem").write_text(public_pem(KEY.public_key()))
    return folder


def test_what_was_made_is_verified(folder: Path) -> None:
    closing = bundle(folder)
    verdict = verify_bundle(folder, expected_manifest=closing.manifest_hash.upper())
    assert verdict.sound
    assert verdict.signature.state == "unsigned"
    assert verdict.manifest_hash == closing.manifest_hash
    assert verdict.files == len(FILES) + 3
    assert verdict_document(verdict)["rows"] == 5
    refuse_altered(verdict, folder)


def test_a_signature_counts_for_as_much_as_is_known_of_its_key(folder: Path, public: Path) -> None:
    bundle(folder, signed=True)
    mark = fingerprint(KEY.public_key())
    assert [(v.sound, v.signature.state, v.signature.fingerprint) for v in (verify_bundle(folder),)] == [
        (True, "by_own_key", mark)
    ]
    assert verify_bundle(folder, public).signature.state == "by_given_key"
    public.write_text(public_pem(OTHER.public_key()))
    verdict = verify_bundle(folder, public)
    assert (verdict.sound, verdict.signature.state, verdict.changed) == (False, "by_other_key", ())
    assert mark in verdict.problems[0]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_one_changed_byte_anywhere_names_its_file(made: Path, data: st.DataObject) -> None:
    files = sorted(path for path in made.rglob("*") if path.is_file() and path.stat().st_size)
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != before[place]))
    key = made.parent / "public.pem" if (made / ENVELOPE).exists() and data.draw(st.booleans()) else None
    path.write_bytes(before[:place] + bytes([byte]) + before[place + 1 :])
    try:
        verdict = verify_bundle(made, key)
    finally:
        path.write_bytes(before)
    assert verdict.changed == (path.relative_to(made).as_posix(),)
    assert (verdict.missing, verdict.added) == ((), ())


def test_every_missing_and_added_file_is_named(made: Path, tmp_path: Path) -> None:
    for path in sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()):
        copy = tmp_path / path.replace("/", "-")
        shutil.copytree(made, copy)
        (copy / path).rename(copy / "renamed.csv")
        verdict = verify_bundle(copy)
        assert (verdict.missing, verdict.added, verdict.changed) == ((path,), ("renamed.csv",), ()), path


def test_a_line_added_to_the_end_is_a_change(made: Path, tmp_path: Path) -> None:
    for path in sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()):
        copy = tmp_path / path.replace("/", "-")
        shutil.copytree(made, copy)
        with (copy / path).open("ab") as file:
            file.write(b"\n")
        assert verify_bundle(copy).changed == (path,)


def test_an_edit_with_new_hashes_is_not_seen_without_a_signature_unless_the_hash_was_noted(folder: Path) -> None:
    closing = bundle(folder)
    bundle(folder, files={**FILES, "identities.csv": b"identity_id\r\nu1\r\n"})
    assert verify_bundle(folder).sound
    verdict = verify_bundle(folder, expected_manifest=closing.manifest_hash)
    assert verdict.problems == ("manifest.json has not the expected hash",)


def test_an_edit_with_new_hashes_is_seen_by_the_signature(folder: Path, public: Path) -> None:
    bundle(folder, signed=True)
    envelope = (folder / ENVELOPE).read_bytes()
    bundle(folder, files={**FILES, "identities.csv": b"identity_id\r\nu1\r\n"})
    (folder / ENVELOPE).write_bytes(envelope)
    for key in (None, public):
        assert verify_bundle(folder, key).changed == (SUMS, INSTRUCTION, "identities.csv", MANIFEST)


def test_a_signature_that_was_taken_away_is_missed(folder: Path, public: Path) -> None:
    bundle(folder, signed=True)
    (folder / ENVELOPE).unlink()
    assert verify_bundle(folder).missing == (ENVELOPE,)
    # Even where the manifest was made anew without it, the reader who has the key knows.
    bundle(folder)
    assert verify_bundle(folder).sound
    assert verify_bundle(folder, public).problems == ("a key was given, but nobody signed this bundle",)


def test_a_bundle_signed_anew_by_somebody_else_is_not_by_the_given_key(folder: Path, public: Path) -> None:
    bundle(folder, signed=True)
    facts = {"report_id": "R-1", "generated_at": "2026-11-20T12:00:00Z"}
    hashes = verify_bundle(folder).signature.hashes
    (folder / ENVELOPE).write_bytes(sign(hashes, facts, OTHER))
    assert verify_bundle(folder).sound
    assert not verify_bundle(folder, public).sound


def test_an_envelope_of_another_bundle_names_everything_that_differs(folder: Path, tmp_path: Path) -> None:
    bundle(folder, signed=True)
    bundle(tmp_path / "other", signed=True, files={"identities.csv": b"x"})
    shutil.copy(tmp_path / "other" / ENVELOPE, folder / ENVELOPE)
    verdict = verify_bundle(folder)
    assert {"identities.csv", MANIFEST, SUMS} <= set(verdict.changed)
    assert {"identities.meta.json", "emea/grants.csv"} <= set(verdict.added)


@pytest.mark.parametrize(
    "altered",
    [b"", b"{}", b"[]", b"null", b'{"payload": 1}', b'{"payload": "", "payloadType": "", "signatures": [1]}',
     b"[" * 100_000, b"\xff\xfe"],
    ids=["empty", "no fields", "a list", "null", "a number", "a bad signature", "nested", "no text"],
)  # fmt: skip
def test_rubbish_in_place_of_a_list_is_a_change_of_that_list(folder: Path, altered: bytes) -> None:
    bundle(folder, signed=True)
    for name in (MANIFEST, ENVELOPE, SUMS):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(altered)
        assert verify_bundle(folder).changed == (name,)
        (folder / name).write_bytes(before)


def test_a_payload_of_another_kind_signed_with_the_same_key_is_no_signature_of_a_bundle(folder: Path) -> None:
    bundle(folder, signed=True)
    told = json.loads((folder / ENVELOPE).read_text())
    statement = json.loads(base64.b64decode(told["payload"]))
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

    statement["predicateType"] = "urn:something:else"
    envelope = Envelope(json.dumps(statement).encode(), told["payloadType"], {})
    envelope.sign(CryptoSigner(KEY, SSlibKey.from_crypto(KEY.public_key(), keyid=fingerprint(KEY.public_key()))))
    (folder / ENVELOPE).write_text(json.dumps(envelope.to_dict(), indent=1) + "\n")
    assert verify_bundle(folder).signature.state == "invalid"


def test_no_link_is_followed_and_none_stands_for_a_file(folder: Path, tmp_path: Path) -> None:
    bundle(folder)
    outside = tmp_path / "same.csv"
    (folder / "identities.csv").rename(outside)
    (folder / "identities.csv").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    verdict = verify_bundle(folder)
    assert verdict.changed == ("identities.csv",)
    assert verdict.added == ("loop", "pipe")
    assert "identities.csv is a symbolic link" in verdict.problems


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "a\\b", "a//b", ".hidden", "a\n", ""])
def test_a_manifest_that_points_outside_of_the_bundle_is_not_believed(folder: Path, path: str) -> None:
    bundle(folder)
    file = File(path="identities.csv", sha256="0" * 64, size=1)
    with pytest.raises(ValueError, match="plain names"):
        write_manifest([File(path=path, sha256="0" * 64, size=1)], [block()])
    forged = write_manifest([file], [block()]).replace(b'"identities.csv"', json.dumps(path).encode())
    (folder / MANIFEST).write_bytes(forged)
    assert MANIFEST in verify_bundle(folder).changed


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match="no bundle"):
        verify_bundle(tmp_path)
    with pytest.raises(UsageError, match="no directory"):
        verify_bundle(tmp_path / "notes.txt")
    with pytest.raises(UsageError, match="no directory"):
        verify_bundle(tmp_path / "nothing")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_no_verdict(folder: Path) -> None:
    bundle(folder)
    (folder / "identities.csv").chmod(0)
    with pytest.raises(StoreError, match="cannot be read"):
        verify_bundle(folder)


def test_the_error_names_ten_files_and_how_many_more(folder: Path) -> None:
    bundle(folder, files={f"f{number:02}.csv": b"x" for number in range(15)})
    for number in range(15):
        (folder / f"f{number:02}.csv").write_bytes(b"y")
    with pytest.raises(VerificationError, match=r"changed f00\.csv, .*f09\.csv and 5 more"):
        refuse_altered(verify_bundle(folder), folder)


def test_a_second_file_of_the_same_path_is_refused() -> None:
    file = File(path="identities.csv", sha256="0" * 64, size=1)
    with pytest.raises(ValueError, match="different"):
        write_manifest([file, file], [block()])
