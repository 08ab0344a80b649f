"""Lay out a table so that it can be read at any width, 80 columns in a pipe included.

The widest columns give way first, none of them below what it needs to be of use. Only where even that is
too wide are columns left out, the optional ones before the others, and never the first one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from shutil import get_terminal_size
from typing import Literal

from accesssync.cli.output import Document, say, strong
from accesssync.model.visible import visible

SHOWN = 100
"""Rows of a table before it says how many more there are."""

_GAP = "  "
_NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Column:
    """What one column shows of a document, and how it is shortened.

    `end` cuts a text at its end, `middle` keeps its end as well (the domain of an address), `list` shows the
    first entries and how many more there are, `wrap` goes on in the next line, `number` is aligned to the
    right. Below `least` cells the column is of no use. One that is `sparse` is left out where no row has
    anything to say in it, one that is `telling` where every row says the same.
    """

    heading: str
    value: Callable[[Document], object]
    shape: Literal["end", "middle", "list", "wrap", "number"] = "end"
    least: int = 4
    optional: bool = False
    sparse: bool = False
    telling: bool = False


def print_table(
    columns: Sequence[Column], documents: Iterable[Document], *, limit: int = SHOWN, one: str, many: str
) -> None:
    """A table on stdout, at most `limit` rows (0: all); the last line says how many of `many` there are."""
    remaining = iter(documents)
    shown = list(islice(remaining, limit or None))
    more = sum(1 for _ in remaining)
    for number, line in enumerate(table_lines(columns, shown, width=get_terminal_size().columns)):
        say(line if number else strong(line))
    total = len(shown) + more
    if more:
        say(f"{len(shown):,} of {total:,} {many}; --limit 0 shows all of them")
    else:
        say(f"{total:,} {one if total == 1 else many}")


def table_lines(columns: Sequence[Column], documents: Sequence[Document], *, width: int) -> Iterator[str]:
    """The lines of a table that is at most `width` cells wide; none where there are no documents."""
    if not documents:
        return
    cells = [[_cell(column.value(document)) for document in documents] for column in columns]
    kept = [number for number, column in enumerate(columns) if _says_something(column, cells[number])]
    natural = {n: max(_width(columns[n].heading), *(_natural(cell) for cell in cells[n])) for n in kept}
    widths = _share({n: columns[n] for n in kept}, natural, max(width, _NARROWEST))
    _give_back(widths, columns, cells, natural)
    yield _GAP.join(_padded(columns[n].heading, widths[n], columns[n]) for n in widths).rstrip()
    for row in range(len(documents)):
        parts = {n: _lines(cells[n][row], widths[n], columns[n]) for n in widths}
        for line in range(max(map(len, parts.values()))):
            texts = ((parts[n][line] if line < len(parts[n]) else "", n) for n in widths)
            yield _GAP.join(_padded(text, widths[n], columns[n]) for text, n in texts).rstrip()


def _says_something(column: Column, cells: list[str | list[str]]) -> bool:
    if column.sparse:
        return any(cell not in ("", "-", []) for cell in cells)
    if column.telling:
        return any(cell != cells[0] for cell in cells)
    return True


def _share(columns: dict[int, Column], natural: dict[int, int], width: int) -> dict[int, int]:
    """How wide each column is; those that are missing from the answer have no room."""
    kept = dict(columns)

    def least(number: int) -> int:
        return min(natural[number], max(kept[number].least, _width(kept[number].heading)))

    def gaps() -> int:
        return len(_GAP) * (len(kept) - 1)

    while len(kept) > 1 and sum(map(least, kept)) + gaps() > width:
        optional = [number for number in kept if kept[number].optional]
        del kept[optional[-1] if optional else max(kept)]
    widths = {number: min(natural[number], width) for number in kept}
    while sum(widths.values()) + gaps() > width:
        yielding = [number for number in kept if widths[number] > least(number)]
        if not yielding:
            break
        widths[max(yielding, key=lambda number: widths[number])] -= 1
    return widths


def _give_back(
    widths: dict[int, int], columns: Sequence[Column], cells: list[list[str | list[str]]], natural: dict[int, int]
) -> None:
    """Let texts that had to be cut have what shortened lists do not use after all."""
    spare = 0
    for number, width in widths.items():
        if columns[number].shape == "list":
            used = max(_width(line) for cell in cells[number] for line in _lines(cell, width, columns[number]))
            widths[number] = max(used, _width(columns[number].heading))
            spare += max(0, width - widths[number])
    for number, width in widths.items():
        if columns[number].shape in ("end", "middle"):
            more = min(spare, natural[number] - width)
            widths[number] = width + more
            spare -= more


def _cell(value: object) -> str | list[str]:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return [visible(one) for one in value]
    return visible(value)


def _natural(cell: str | list[str]) -> int:
    return _width(cell if isinstance(cell, str) else ", ".join(cell))


def _lines(cell: str | list[str], width: int, column: Column) -> list[str]:
    if isinstance(cell, list):
        return [shorten_list(cell, width)]
    if column.shape == "wrap":
        return wrap(cell, width)
    return [shorten_middle(cell, width) if column.shape == "middle" else shorten(cell, width)]


def _padded(text: str, width: int, column: Column) -> str:
    space = " " * max(0, width - _width(text))
    return space + text if column.shape == "number" else text + space


def shorten(text: str, width: int) -> str:
    """The text in at most `width` cells, with an ellipsis where its end is missing."""
    if _width(text) <= width:
        return text
    return _start(text, width - 1).rstrip() + "…" if width > 0 else ""


def shorten_middle(text: str, width: int) -> str:
    """The text in at most `width` cells, with an ellipsis where its middle is missing."""
    if _width(text) <= width:
        return text
    if width < 12:
        return shorten(text, width)
    end = text[-(width // 3) :]
    while _width(end) > width // 3:
        end = end[1:]
    return _start(text, width - 1 - _width(end)) + "…" + end


def shorten_list(items: Sequence[str], width: int) -> str:
    """As many entries as fit into `width` cells, and how many more there are: `A, B +3`."""
    whole = ", ".join(items)
    if _width(whole) <= width:
        return whole
    for count in range(len(items) - 1, 0, -1):
        text = f"{', '.join(items[:count])} +{len(items) - count}"
        if _width(text) <= width:
            return text
    rest = f" +{len(items) - 1}" if len(items) > 1 else ""
    return shorten(items[0], width - len(rest)) + rest


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken between words; a longer word is cut."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if _width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width))
    return [line for line in lines if line] or [""]


def _start(text: str, width: int) -> str:
    """The first characters that fit into so many cells."""
    kept = text[:width]
    while _width(kept) > width:
        kept = kept[:-1]
    return kept


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
