"""Take secrets and control characters out of the little text from outside that people get to see."""

import re
import unicodedata
from collections.abc import Iterable

REDACTED = "[redacted]"
MESSAGE_LENGTH = 200

_PREFIXED = re.compile(r"dd[a-z]{1,8}_[A-Za-z0-9_\-]{4,}|(?i:bearer)\s+\S+")
# Datadog's API keys are 32 and its older application keys 40 hexadecimal digits.
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{32,}")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class Scrub:
    """Knows the key values of one connection and shows them to nobody."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(sorted((s for s in secrets if s), key=len, reverse=True))

    def message(self, text: str) -> str:
        """One short line that holds no key, nothing that looks like one, and no control characters."""
        text = _HEXADECIMAL.sub(REDACTED, self._without_keys(text[: 20 * MESSAGE_LENGTH]))
        line = "".join(map(_visible, text.strip()))
        return line if len(line) <= MESSAGE_LENGTH else line[: MESSAGE_LENGTH - 3] + "..."

    def text(self, text: str) -> str:
        """The whole text without keys and what looks like one."""
        return _HEXADECIMAL.sub(REDACTED, self._without_keys(text))

    def request_id(self, text: str | None) -> str | None:
        """The id if it can be one. It may look like a key, being random, but it is never one of ours."""
        if text is None or not _REQUEST_ID.fullmatch(text) or self._without_keys(text) != text:
            return None
        return text

    def _without_keys(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return _PREFIXED.sub(REDACTED, text)


def _visible(character: str) -> str:
    if unicodedata.category(character) in _INVISIBLE:
        return character.encode("unicode_escape").decode()
    return character
