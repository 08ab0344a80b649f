"""`accesssync evidence`, as people and scripts use it."""

import json
from pathlib import Path

import pytest

from accesssync.cli.main import run
from tests.evidence.bundles import bundle


def test_a_signed_bundle_from_key_to_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evidence", "keygen", "signing.pem"]) == 0
    assert "give it to those who verify" in capsys.readouterr().out
    bundle(tmp_path / "report", signed=True)
    assert run(["evidence", "verify", str(tmp_path / "report")]) == 0
    out = capsys.readouterr().out
    assert "8 files as they were made" in out
    assert "whose key that is, nothing here proves" in out
    assert run(["evidence", "verify", str(tmp_path / "report"), "--public-key", "signing.pem.pub"]) == 12
    told = capsys.readouterr()
    assert "is not by the given key" in told.err
    assert run(["evidence", "verify", str(tmp_path / "report"), "--public-key", "signing.pem"]) == 2
    assert "is a private key" in capsys.readouterr().err


def test_an_unsigned_bundle_is_verified_and_said_to_be_unsigned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closing = bundle(tmp_path / "report")
    assert run(["evidence", "verify", str(tmp_path / "report")]) == 0
    out = capsys.readouterr().out
    assert "not signed" in out
    assert f"manifest {closing.manifest_hash}" in out
    assert "acme (Acme Inc.) as of 2026-11-20T12:00:00Z, from run-412" in out
    assert "limitation: mfa_enabled is not known of 1 user" in out
    assert run(["evidence", "verify", str(tmp_path / "report"), "--manifest-hash", closing.manifest_hash]) == 0


def test_what_was_altered_is_named_for_people_and_for_scripts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "report"
    bundle(folder)
    (folder / "identities.csv").write_text("altered")
    (folder / "emea" / "grants.csv").unlink()
    (folder / "\x1b[2J\udcff.csv").write_text("x")
    assert run(["evidence", "verify", str(folder)]) == 12
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "changed  identities.csv",
        "missing  emea/grants.csv",
        "added    \\x1b[2J\\udcff.csv",
    ]
    assert "changed identities.csv; missing emea/grants.csv" in told.err
    assert run(["evidence", "verify", str(folder), "--json"]) == 12
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "accesssync.evidence_verification/1"
    assert (document["verified"], document["changed"]) == (False, ["identities.csv"])
    assert (document["missing"], document["added"]) == (["emea/grants.csv"], ["\\x1b[2J\\udcff.csv"])
    assert document["error"]["code"] == "verification"


def test_what_is_no_bundle_is_a_mistake_of_the_caller(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evidence", "verify", str(tmp_path)]) == 2
    assert "give the directory that accesssync report wrote" in capsys.readouterr().err
