"""Counts as columns: stacked, or up and down from a line."""

from accesssync.reports.figures.shape import Groups
from accesssync.reports.page.drawing.picture import WIDTH, Mark, Picture, fits, line, rect, short, text, ticks

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 44, 8, 20, 36, 236
_APART = 18
_WIDEST = 64


def stacked(figure: Groups) -> Picture:
    """A column for each group, the series standing on each other, the first one on the ground."""
    totals = figure.totals()
    marks: list[Mark] = []
    scale = ticks(max(totals, default=0))
    ground, room = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    for tick in scale:
        y = ground - room * tick / scale[-1]
        marks.append(line(_LEFT, y, WIDTH - _LEFT - _RIGHT, 0, "grid" if tick else "ground"))
        marks.append(text(_LEFT - 6, y + 4, short(tick), "tick", "end"))
    for place, (x, width) in enumerate(_slots(figure)):
        name = figure.groups[place]
        y = float(ground)
        for one in figure.series:
            count = one.values[place]
            if not count:
                continue
            height = room * count / scale[-1]
            y -= max(height, 1.5)
            look = f"s-{one.key}" + (" alone" if len(figure.series) == 1 else "")
            look += " apart" if name in figure.apart else ""
            marks.append(rect(x, y, width, height, look, f"{name}, {one.label}: {count:,}"))
            if len(figure.series) > 1 and height >= 16 and fits(short(count), width):
                marks.append(text(x + width / 2, y + height / 2 + 4, short(count), f"in in-{one.key}", "middle"))
        marks.append(text(x + width / 2, y - 6, short(totals[place]), "total", "middle"))
        marks.append(text(x + width / 2, ground + 17, name, "label", "middle"))
    marks.append(text((WIDTH + _LEFT) / 2, _HEIGHT - 3, figure.first, "axis", "middle"))
    return Picture(WIDTH, _HEIGHT, tuple(marks))


def _slots(figure: Groups) -> list[tuple[float, float]]:
    apart = len(figure.apart)
    usual = len(figure.groups) - apart
    slot = (WIDTH - _LEFT - _RIGHT - (_APART if apart else 0)) / max(1, len(figure.groups))
    width = min(_WIDEST, slot * 0.72)
    return [
        (_LEFT + slot * place + (slot - width) / 2 + (_APART if place >= usual else 0), width)
        for place in range(len(figure.groups))
    ]


def up_and_down(figure: Groups) -> Picture:
    """The first series upwards and the second downwards from a common line, on one scale."""
    above, below = figure.series
    most = max((*above.values, *below.values), default=0)
    scale = ticks(most, 2)
    height = 216
    middle, room = (height - 20) / 2 + 4, (height - 20) / 2 - 12
    marks: list[Mark] = []
    for tick in (*(-one for one in scale[:0:-1]), *scale):
        y = middle - room * tick / scale[-1]
        marks.append(line(_LEFT, y, WIDTH - _LEFT - _RIGHT, 0, "grid" if tick else "ground"))
        marks.append(text(_LEFT - 6, y + 4, short(abs(tick)), "tick", "end"))
    slot = (WIDTH - _LEFT - _RIGHT) / max(1, len(figure.groups))
    width = min(28.0, slot * 0.7)
    every = -(-len(figure.groups) // 6)
    for place, name in enumerate(figure.groups):
        x = _LEFT + slot * place + (slot - width) / 2
        for one, way in ((above, -1), (below, 1)):
            count = one.values[place]
            if not count:
                continue
            size = room * count / scale[-1]
            words = f"{name}: {count:,} {one.label}"
            marks.append(rect(x, middle - size if way < 0 else middle, width, size, f"s-{one.key}", words))
            if fits(short(count), slot + 6):
                y = middle - size - 4 if way < 0 else middle + size + 12
                marks.append(text(x + width / 2, y, short(count), "total", "middle"))
        if place % every == 0:
            marks.append(text(x + width / 2, height - 2, name, "label", "middle" if place else "start"))
    return Picture(WIDTH, height, tuple(marks))
