"""Entries as messages for Slack's incoming webhooks. What strangers wrote cannot mention, link, or format anything.

Their text stands in blocks of plain text, which Slack shows as it is; in the short form that notifications show, the
three characters that begin something in Slack are escaped.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import json

from accesssync.forward.destination import Limits
from accesssync.forward.entry import Entry
from accesssync.forward.fit import writable
from accesssync.model.visible import visible

BLOCK_TEXT = 3_000
BLOCKS = 50
SHORT = 300
"""Characters: of a block's text, which Slack limits, and of the short form, which it does not."""

MESSAGE_LIMITS = Limits(records=15, bytes=200_000, record_bytes=12_000)
"""Each entry becomes up to three of the 50 blocks that a message may have."""

_MARKS = {
    "critical": ":rotating_light:",
    "high": ":red_circle:",
    "medium": ":large_orange_circle:",
    "low": ":white_circle:",
}
_URL = re.compile(r"https://[A-Za-z0-9.-]+/[A-Za-z0-9/_.?=&%~:-]*")
_COMMAND = re.compile(r"[A-Za-z0-9 ._:/@=+-]{1,300}")


def escaped(text: str) -> str:
    """Text in Slack's own markup, with nothing in it that means something: no `<!channel>`, no `<@U1>`, no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def message_of(entry: Entry, _at: datetime) -> bytes:
    """One entry as a message by itself. `together` makes one of several."""
    body = entry.body
    text = visible(writable(str(body.get("message") or body.get("title") or entry.dedup_id)))
    whole = "\n".join(visible(writable(str(line))) for line in body.get("lines") or (text,))
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "plain_text", "text": _cut(whole, BLOCK_TEXT), "emoji": False}}
    ]
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(_about(entry), 2_000)}]})
    return json.encode({"text": escaped(_cut(text, SHORT)), "blocks": blocks})


def _about(entry: Entry) -> str:
    """The organization, how bad it is, and where to look: ours alone, or nothing that Slack could take for markup."""
    body = entry.body
    parts = [f"{_MARKS.get(entry.severity, '')} *{entry.severity}* in {escaped(entry.org)}".strip()]
    link, command = str(body.get("link") or ""), str(body.get("command") or "")
    if _URL.fullmatch(link):
        parts.append(f"<{escaped(link)}|in Datadog>")
    if _COMMAND.fullmatch(command):
        parts.append(f"`{escaped(command)}`")
    parts.append(entry.observed_at.strftime("%Y-%m-%d %H:%M UTC"))
    return "  |  ".join(parts)


def together(messages: Sequence[bytes]) -> bytes:
    """One message of several: as many as `MESSAGE_LIMITS` says fit."""
    read: list[Mapping[str, Any]] = [json.decode(one) for one in messages]
    blocks: list[Any] = []
    for one in read:
        blocks += [{"type": "divider"}] if blocks else []
        blocks += one["blocks"]
    text = read[0]["text"] if len(read) == 1 else f"{len(read)} from accesssync: {read[0]['text']}"
    return json.encode({"text": text, "blocks": blocks[:BLOCKS], "unfurl_links": False, "unfurl_media": False})


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\u2026"
