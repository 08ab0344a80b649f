"""How an outsider checks a bundle, in plain words, without accesssync."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import fill
from typing import Final

from accesssync.evidence.block import Block, recipe
from accesssync.evidence.manifest import ENVELOPE, MANIFEST, SUMS
from accesssync.model.visible import visible

_WIDTH: Final = 79

_HASHES: Final = f"""
1. WAS A FILE ALTERED, OR TAKEN AWAY?

   In this directory, on Linux:

     sha256sum -c {SUMS}

   on a Mac:

     shasum -a 256 -c {SUMS}

   on Windows, in PowerShell:

     Get-Content {SUMS} | ForEach-Object {{
       $hash, $file = $_ -split '  ', 2
       "$file $((Get-FileHash $file).Hash -eq $hash)" }}

   Every line has to say OK (True on Windows). A file that {SUMS} does
   not name does not belong to the report<but>.
"""

_NOTED: Final = f"""
2. ARE THE HASHES THOSE THAT WERE MADE WITH THE REPORT?

   Whoever can edit the files can compute new hashes. So ask the people who
   made the report for what their audit log noted when it was made; it has the
   hash of {MANIFEST} (accesssync audit list --kind report). Compare it with

     sha256sum {MANIFEST}
"""

_SIGNED: Final = f"""
3. WHO SIGNED IT?

   The signature was made with the key whose fingerprint is

     <fingerprint>

   Get the public key (here public.pem) from the people who made the report,
   by another way than this report came to you. With a shell and OpenSSL 3:

     type=$(sed -n 's/.*"payloadType": "\\(.*\\)",*$/\\1/p' {ENVELOPE})
     sed -n 's/.*"payload": "\\(.*\\)",*$/\\1/p' {ENVELOPE} \\
       | base64 -d > payload
     sed -n 's/.*"sig": "\\(.*\\)",*$/\\1/p' {ENVELOPE} \\
       | base64 -d > signature
     printf 'DSSEv1 %d %s %d ' ${{#type}} "$type" $(wc -c < payload) > signed
     cat payload >> signed
     openssl pkeyutl -verify -pubin -inkey public.pem -rawin \\
       -in signed -sigfile signature
     grep -c "$(sha256sum < {SUMS} | cut -d ' ' -f 1)" payload

   The last lines have to be "Signature Verified Successfully" and 1: the
   payload, which is signed, then holds the hash of {SUMS}. Remove the
   three files that this made before you do step 1 again. The fingerprint of
   the key that you were given is what this prints:

     openssl pkey -pubin -in public.pem -outform DER | sha256sum
"""

_UNSIGNED: Final = """
3. WHO SIGNED IT?

   Nobody. It can only be shown that the files fit together, and (step 2) that
   they fit what the audit log noted.
"""

_OWN: Final = """
4. ALL OF THIS IN ONE COMMAND

   With accesssync, which needs neither keys nor a database for it:

     accesssync evidence verify .<key>
"""

_LIMITS: Final = """
6. WHAT THIS DOES NOT SHOW

   Hashes and signatures show that nothing was altered after the report was
   made. They do not show that the people who made it were honest, or that
   Datadog told the truth. Step 5 is for that.
"""


def write_instruction(blocks: Sequence[Block], fingerprint: str | None = None) -> bytes:
    """The text of VERIFY.txt. `fingerprint` is that of the key that signs the bundle, None where none does."""
    but = f",\n   except {ENVELOPE}" if fingerprint else ""
    parts = [
        "HOW TO CHECK THIS REPORT",
        *(_about(block) for block in blocks),
        _HASHES.replace("<but>", but).strip("\n"),
        _NOTED.strip("\n"),
        (_SIGNED.replace("<fingerprint>", fingerprint) if fingerprint else _UNSIGNED).strip("\n"),
        _OWN.replace("<key>", " --public-key public.pem" if fingerprint else "").strip("\n"),
        "\n".join(["5. IS IT COMPLETE AND TRUE?", "", *_against_datadog(blocks)]).rstrip("\n"),
        _LIMITS.strip("\n"),
    ]
    return ("\n\n".join(parts) + "\n").encode()


def _about(block: Block) -> str:
    whole = "every listing was proven complete" if block.complete else "NOT EVERY LISTING WAS COMPLETE"
    told = (
        f"{block.report_name} of {block.org} ({block.org_name or 'name not known'}, {block.site}), "
        f"as of {_time(block.as_of)}, from run-{block.run_id}: {whole}. "
        f"Made on {_time(block.generated_at)} by {block.generated_by} with accesssync {block.tool_version}."
    )
    return _wrapped(told, "")


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _against_datadog(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if len(blocks) > 1:
            yield f"   {visible(block.org)}:"
        yield from (_wrapped(step, "   ", "   - ") for step in recipe(block))
        yield ""


def _wrapped(text: str, indent: str, first: str | None = None) -> str:
    return fill(
        visible(text), _WIDTH, initial_indent=indent if first is None else first,
        subsequent_indent=indent if first is None else indent + "  ", break_on_hyphens=False,
    )  # fmt: skip
