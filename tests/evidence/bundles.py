"""Bundles in directories, made by hand."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from accesssync.evidence.close import Closing, close
from accesssync.evidence.manifest import File
from accesssync.evidence.sign import new_private_pem, private_key
from tests.reports.builders import block

KEY = private_key(new_private_pem())
OTHER = private_key(new_private_pem())
FILES: Mapping[str, bytes] = {
    "identities.csv": b"identity_id\r\nu1\r\nu2\r\n",
    "identities.meta.json": b'{"schema": "accesssync.about/1"}\n',
    "emea/grants.csv": b"grant_id\r\n",
    "empty.csv": b"",
}


def bundle(folder: Path, *, signed: bool = False, files: Mapping[str, bytes] = FILES) -> Closing:
    """Write one, and give what it ends with."""
    listed = [
        File(path=path, sha256=sha256(text).hexdigest(), size=len(text), rows=text.count(b"\n"))
        for path, text in files.items()
    ]
    closing = close(listed, [block()], KEY if signed else None)
    for path, text in {**files, **closing.files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text)
    return closing
