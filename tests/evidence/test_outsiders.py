"""What VERIFY.txt tells an outsider to do works, with a shell, sha256sum and OpenSSL, and without accesssync."""

import shutil
import subprocess
from pathlib import Path

import pytest

from accesssync.evidence.manifest import INSTRUCTION
from accesssync.evidence.sign import fingerprint, public_pem
from tests.evidence.bundles import KEY, OTHER, bundle
from tests.reports.builders import block


def commands(folder: Path, section: str) -> str:
    """The commands that a section of the instruction shows."""
    text = (folder / INSTRUCTION).read_text()
    part = text[text.index(f"\n{section}. ") :]
    part = part[: part.index(f"\n{int(section) + 1}. ")]
    return "\n".join(line[5:] for line in part.splitlines() if line.startswith("     "))


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_sha256sum_checks_every_file_but_itself(tmp_path: Path) -> None:
    bundle(tmp_path, signed=True)
    (command, *_) = commands(tmp_path, "1").splitlines()
    ended = run(tmp_path, command)
    assert ended.returncode == 0, ended
    listed = {line.removesuffix(": OK") for line in ended.stdout.splitlines()}
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files - listed == {"SHA256SUMS", "manifest.dsse.json"}
    (tmp_path / "emea" / "grants.csv").write_text("altered")
    ended = run(tmp_path, command)
    assert ended.returncode == 1
    assert "emea/grants.csv: FAILED" in ended.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_openssl_checks_the_signature(tmp_path: Path) -> None:
    bundle(tmp_path, signed=True)
    (tmp_path / "public.pem").write_text(public_pem(KEY.public_key()))
    if "OpenSSL 3" not in run(tmp_path, "openssl version").stdout:
        pytest.skip("openssl is too old for Ed25519 without a hash")
    script = commands(tmp_path, "3").partition("\n")[2]
    assert fingerprint(KEY.public_key()) == commands(tmp_path, "3").partition("\n")[0]
    ended = run(tmp_path, script)
    assert ended.stdout.splitlines() == [
        "Signature Verified Successfully",
        "1",
        f"{fingerprint(KEY.public_key())}  -",
    ], ended
    (tmp_path / "public.pem").write_text(public_pem(OTHER.public_key()))
    assert "Verified Successfully" not in run(tmp_path, script).stdout
    with (tmp_path / "SHA256SUMS").open("a") as file:
        file.write("\n")
    (tmp_path / "public.pem").write_text(public_pem(KEY.public_key()))
    assert run(tmp_path, script).stdout.splitlines()[1] == "0"


def test_the_instruction_is_plain_text_of_80_columns_even_where_strangers_named_things(tmp_path: Path) -> None:
    from accesssync.evidence.instruction import write_instruction

    nasty = "Acme\x1b[2J\u202e\n\n1. ALL IS WELL" + "x" * 300
    bundle(tmp_path, signed=True)
    for text in (write_instruction([block(org_name=nasty)]), (tmp_path / INSTRUCTION).read_bytes()):
        lines = text.decode().splitlines()
        assert all(len(line) < 80 for line in lines)
        assert not any(line.startswith("1. ALL IS WELL") for line in lines)
        assert text.decode().isprintable() or (set(text.decode()) - {"\n"} and "\x1b" not in text.decode())
        assert "\u202e" not in text.decode()


def test_what_was_not_complete_is_said_at_the_top_and_the_totals_to_compare_with_datadog() -> None:
    from accesssync.evidence.instruction import write_instruction

    text = write_instruction([block(complete=False), block(org="emea")]).decode()
    assert "NOT EVERY LISTING WAS COMPLETE" in " ".join(text[:800].split())
    assert "Organization Settings > Users, filter Active: Datadog should show 3" in " ".join(text.split())
    assert "   emea:" in text
    assert "Nobody. It can only be shown" in text
