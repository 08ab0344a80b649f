"""Cut names and addresses into words, in time that grows with their length and no faster."""

import re
import unicodedata
from functools import lru_cache

LONGEST = 1_024
"""Characters of a field that are looked at."""

_HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_CONTROL = re.compile(r"[\t-\r\x85]")
_CHUNK = re.compile(r"[^\W_]+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "\u0131": "i",
        "ß": "ss",
        "æ": "ae",
        "Æ": "Ae",
        "œ": "oe",
        "þ": "th",
        "Þ": "Th",
        "\u2019": "'",
        "\u02bc": "'",
    }
)


def fold(text: str | None) -> str:
    """The text as words are looked up in it: capped, plain letters, nothing that hides or acts."""
    if not text:
        return ""
    text = text[:LONGEST]
    if text.isascii():
        return text.strip() if text.isprintable() else _CONTROL.sub(" ", _HIDDEN.sub("", text)).strip()
    text = _CONTROL.sub(" ", _HIDDEN.sub("", text)).translate(_LETTERS)
    text = unicodedata.normalize("NFKD", text)
    text = "".join([char for char in text if not unicodedata.combining(char)])
    return unicodedata.normalize("NFC", text)[: 2 * LONGEST].strip()


@lru_cache(maxsize=65_536)
def _parts(chunk: str) -> tuple[str, ...]:
    return tuple([part.lower() for part in _PART.findall(chunk)])


def words_of(text: str, known: frozenset[str]) -> list[str]:
    """The words of a folded text in lower case: cut at punctuation, digits and inner capitals.

    What stands in `known` as it is written is not cut.
    """
    found: list[str] = []
    for chunk in _CHUNK.findall(text):
        low = chunk.lower()
        if low in known:
            found.append(low)
        else:
            found.extend(_parts(chunk) if len(chunk) < 40 else [part.lower() for part in _PART.findall(chunk)])
    return found


def is_latin(text: str) -> bool:
    """Whether most of the letters are Latin. The text is folded."""
    if text.isascii():
        return True
    letters = [char for char in text if char.isalpha()]
    return 2 * sum(char.isascii() or char < "\u0250" for char in letters) >= len(letters)


def local_part(address: str) -> tuple[str, str]:
    """What stands before and after the last @; without one, the text and nothing."""
    local, at, domain = address.rpartition("@")
    if not at:
        return address, ""
    # Some systems append the organization's address to the original one: only the first local part names anybody.
    return local.split("@", 1)[0], domain.lower().rstrip(".> ")
