"""The page in front of several organizations: which are in a report, how far each can be relied on, and where."""

from collections.abc import Sequence
from typing import BinaryIO
from urllib.parse import quote

from msgspec import Struct

from accesssync.evidence.block import Block
from accesssync.reports.page.document import STYLES, as_they_are, policy, style_of, templates
from accesssync.reports.page.opening import Badge, badges
from accesssync.reports.page.told import clean


class _Entry(Struct, frozen=True):
    name: str
    address: str
    block: Block
    badges: tuple[Badge, ...]


def write_front(blocks: Sequence[Block], left_out: Sequence[str], file: BinaryIO) -> None:
    """Write the page that leads to those of the organizations, each in the folder of its name.

    `left_out` says of those that are not in the report why. There is at least one block.
    """
    styles = (style_of(STYLES),)
    page = (
        templates()
        .get_template("front.html")
        .render(
            made=blocks[0],
            entries=[
                _Entry(clean(one.org_name or one.org, 80), f"{quote(one.org, safe='')}/index.html", one, badges(one))
                for one in blocks
            ],
            left_out=[clean(one, 400) for one in left_out],
            policy=policy([], styles),
            styles=as_they_are(styles),
        )
    )
    file.write(page.encode())
