"""Show a stranger's text without obeying it.

Names, e-mails and role names are written by whoever owns the account. A terminal obeys escape sequences, a
reader believes reversed or invisible characters, a log takes a line break for a new entry. Here each of them
becomes a visible escape.
"""

import re
import unicodedata

_SUSPECT = re.compile(r"[^\x20-\x7e]")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories: controls, formats (bidirectional marks, zero-width, tags), surrogates, private, separators."""

_HALF = re.compile(r"[\ud800-\udfff]")

_JOINERS = {"\u200c", "\u200d"}
"""Zero-width (non-)joiners hold Persian and Indic letters together; alone among Latin letters they hide things."""


def visible(text: object) -> str:
    """The text on one line, with everything that acts or hides replaced by an escape such as `\\x1b`."""
    return _SUSPECT.sub(_escape, str(text))


def writable(text: str) -> str:
    """The text as it is, except for half characters, which no file can hold: they become escapes such as `\\ud800`."""
    return text if text.isascii() else _HALF.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    if unicodedata.category(char) not in _INVISIBLE:
        return "\\xa0" if char == "\xa0" else char
    if char in _JOINERS and match.start() and ord(match.string[match.start() - 1]) > 0x5FF:
        return char
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def spreadsheet_safe(text: object) -> str:
    """A CSV cell that no spreadsheet takes for a formula: a leading apostrophe where one would begin."""
    value = "" if text is None else str(text)
    stripped = value.lstrip(" \u00a0\u3000\ufeff")
    starts = stripped[:1] in set("=+-@\t\r\n\x00|%\uff1d\uff0b\uff0d\uff20")
    return "'" + value if starts and stripped else value
