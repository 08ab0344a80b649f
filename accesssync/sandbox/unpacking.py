"""Undo the compression of what a client sends."""

import zlib


class UnpackError(ValueError):
    """The body is not what its encoding says, or the encoding is none that is understood."""


class TooLargeError(ValueError):
    """Unpacked, the body would be larger than allowed."""


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """The plain body, at most `limit` bytes; `encoding` is what the header said, empty for none.

    Zstandard, which the intake of metrics takes as `zstd1`, is not understood: nothing in Python reads it before 3.14.
    """
    if encoding in ("", "identity"):
        if len(body) > limit:
            raise TooLargeError
        return body
    if encoding not in ("gzip", "deflate"):
        raise UnpackError(f"unsupported content encoding {encoding}")
    unpacker = zlib.decompressobj(31 if encoding == "gzip" else 15)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise UnpackError(f"the body is not {encoding}") from None
    if len(plain) > limit:
        raise TooLargeError
    if not unpacker.eof:
        raise UnpackError(f"the {encoding} body breaks off")
    return plain
