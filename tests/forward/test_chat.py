"""Messages for Slack: whatever strangers wrote, it mentions, links and formats nothing, and Slack takes it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from accesssync.forward.chat import BLOCK_TEXT, BLOCKS, MESSAGE_LIMITS, SHORT, escaped, message_of, together
from accesssync.forward.entry import Entry, Stream
from tests.builders import NOW


def entry(message: str = "hello", **body: Any) -> Entry:
    told = {"message": message, **body}
    return Entry(stream=Stream.ALERTS, org="acme", dedup_id="d-1", observed_at=NOW, body=told, severity="critical")


def sent(*entries: Entry) -> Any:
    return json.decode(together([message_of(one, NOW) for one in entries]))


def test_one_entry_with_where_to_look() -> None:
    message = sent(entry("Ada was given Admin", link="https://app.datadoghq.com/x?user_id=1", command="accesssync x"))
    assert message["text"] == "Ada was given Admin"
    section, context = message["blocks"]
    assert section["text"] == {"type": "plain_text", "text": "Ada was given Admin", "emoji": False}
    told = context["elements"][0]["text"]
    assert "*critical* in acme" in told
    assert "<https://app.datadoghq.com/x?user_id=1|in Datadog>" in told
    assert "`accesssync x`" in told
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)


@pytest.mark.parametrize(
    "hostile",
    ["<!channel>", "<@U012AB3CD>", "<!here|x>", "<https://evil.example|click>", "<!subteam^S1>", "&lt;!channel&gt;"],
)
def test_nothing_a_stranger_writes_is_a_mention_or_a_link(hostile: str) -> None:
    message = sent(entry(f"user {hostile} changed", command=hostile, link=hostile), entry("two"))
    assert hostile not in message["text"] or "<" not in hostile
    assert "<" not in message["text"]
    for block in message["blocks"]:
        for element in block.get("elements", []):
            assert hostile not in element["text"]
        if block["type"] == "section":
            # What stands in plain text is shown, not obeyed.
            assert block["text"]["type"] == "plain_text"


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\u202egnp.exe", "line\nbreak", "half \ud800", "tag\U000e0041"])
def test_what_acts_or_hides_is_made_visible(text: str) -> None:
    message = sent(entry(text))
    shown = message["blocks"][0]["text"]["text"]
    assert shown.isprintable()
    assert "\\" in shown or "\ufffd" in shown


def test_escaping_is_what_slack_asks_for() -> None:
    assert escaped("a < b & c > d") == "a &lt; b &amp; c &gt; d"


texts = st.text(max_size=400) | st.text(st.characters(), max_size=40).map(lambda one: one * 200)
entries = st.builds(entry, texts, link=texts, command=texts)


@given(st.lists(entries, min_size=1, max_size=MESSAGE_LIMITS.records))
def test_slack_s_limits_hold(found: list[Entry]) -> None:
    records = [message_of(one, NOW) for one in found]
    message = json.decode(together(records))
    assert len(message["blocks"]) <= BLOCKS
    # Each `&`, `<` and `>` takes up to five characters where it is escaped.
    assert len(message["text"]) <= 5 * SHORT + 40
    for block in message["blocks"]:
        if block["type"] == "section":
            assert 0 < len(block["text"]["text"]) <= BLOCK_TEXT
        for element in block.get("elements", []):
            assert 0 < len(element["text"]) <= BLOCK_TEXT


def test_a_long_text_fits_a_record() -> None:
    assert len(message_of(entry("\u00e4" * 9_000), NOW)) <= MESSAGE_LIMITS.record_bytes
