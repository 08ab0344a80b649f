"""Decode a file to text, and find letters that nobody can see or that should not be there."""

import re

from accesssync.parse.problems import Problems

LARGEST = 16 * 1024 * 1024
"""Bytes of a file."""

_SUSPECT = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ud800-\\udfff"
    "\\ufeff\\ufff9-\\uffff\\U000e0000-\\U000e007f]"
)
"""Controls, invisible letters and marks that turn the direction of reading. The joiners of Persian and Indic names
are letters like any other, and not among them."""

_LOST = "\ufffd"


def fault_in(text: str) -> str | None:
    """What is wrong with the first letter that does not belong in a text, or None. Line breaks and tabs do."""
    found = _SUSPECT.search(text)
    if found is None:
        return None
    char = found[0]
    if char == _LOST or "\ud800" <= char <= "\udfff":
        return "not text in UTF-8; save the file as UTF-8"
    what = "a NUL" if char == "\0" else f"the character U+{ord(char):04X}"
    return f"{what} is hidden here; remove it"


def text_of(content: bytes, file: str, problems: Problems) -> str | None:
    """A whole file as text with plain line ends, or None after the problem was noted by its line."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.add(file, 1, "the file is UTF-16; save it as UTF-8")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(file, content.count(b"\n", 0, error.start) + 1, "not text in UTF-8; save the file as UTF-8")
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    sound = True
    if fault_in(text):
        for number, line in enumerate(text.split("\n"), start=1):
            fault = fault_in(line)
            if fault:
                problems.add(file, number, fault)
                sound = False
            if problems.full:
                break
    return text if sound else None
