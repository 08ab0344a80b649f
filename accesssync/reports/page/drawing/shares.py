"""What each group is made of: bars of one length."""

from accesssync.reports.figures.shape import Groups
from accesssync.reports.page.drawing.picture import WIDTH, Mark, Picture, cut, fits, rect, short, text

_LEFT, _RIGHT, _ROW, _BAR, _TOP = 158, 62, 38, 24, 6


def shares(figure: Groups) -> Picture:
    """A bar of full length for each group, cut by series, with its total beside."""
    marks: list[Mark] = []
    room = WIDTH - _LEFT - _RIGHT
    for place, (name, total) in enumerate(zip(figure.groups, figure.totals(), strict=True)):
        y = _TOP + place * _ROW
        marks.append(text(_LEFT - 10, y + _BAR / 2 + 4, cut(name, 24), "label", "end"))
        x = float(_LEFT)
        if not total:
            marks.append(rect(_LEFT, y, room, _BAR, "none"))
        for one in figure.series:
            count = one.values[place]
            if not count:
                continue
            width = room * count / total
            marks.append(rect(x, y, width, _BAR, f"s-{one.key}", f"{name}, {one.label}: {count:,} of {total:,}"))
            if fits(short(count), width):
                marks.append(text(x + width / 2, y + _BAR / 2 + 4, short(count), f"in in-{one.key}", "middle"))
            x += width
        marks.append(text(WIDTH - _RIGHT + 10, y + _BAR / 2 + 4, short(total) if total else "none", "total"))
    return Picture(WIDTH, _TOP + max(1, len(figure.groups)) * _ROW, tuple(marks))
