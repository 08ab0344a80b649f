"""A grid of counts, darker where more of what there is stands together."""

from accesssync.reports.figures.shape import Grid
from accesssync.reports.page.drawing.picture import Mark, Picture, cut, rect, short, text

WIDTH = 900
_LEFT, _SIZE, _ROW, _CELL, _TOP = 230, 92, 27, 25, 30
_LEVELS = 5


def heat(figure: Grid) -> Picture:
    """A row for each role, a column for each tier, the number in every cell."""
    marks: list[Mark] = [text(_LEFT + _SIZE - 14, _TOP - 12, "active holders", "tick", "end")]
    slot = (WIDTH - _LEFT - _SIZE) / max(1, len(figure.columns))
    most = [max((row[place] for row in figure.values), default=0) for place in range(len(figure.columns))]
    for place, (name, _) in enumerate(figure.columns):
        marks.append(text(_LEFT + _SIZE + slot * (place + 0.5), _TOP - 12, name, "strong", "middle"))
    for down, ((name, size), values) in enumerate(zip(figure.rows, figure.values, strict=True)):
        y = _TOP + down * _ROW
        marks.append(text(_LEFT - 2, y + _CELL / 2 + 4, cut(name, 34), "label", "end"))
        marks.append(text(_LEFT + _SIZE - 14, y + _CELL / 2 + 4, size, "total", "end"))
        for place, (value, (tier, means)) in enumerate(zip(values, figure.columns, strict=True)):
            level = 0 if not value else 1 + (_LEVELS - 1) * value // most[place]
            x = _LEFT + _SIZE + slot * place
            words = f"{cut(name, 60)}: {value:,} of {tier}, {means}"
            marks.append(rect(x + 1, y, slot - 2, _CELL, f"heat-{level}", words))
            if value:
                marks.append(text(x + slot / 2, y + _CELL / 2 + 4, short(value), f"in heat-in-{level}", "middle"))
    return Picture(WIDTH, _TOP + max(1, len(figure.rows)) * _ROW, tuple(marks))
