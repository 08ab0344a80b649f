"""Values over time as steps: a state holds until the next run."""

from datetime import timedelta

from accesssync.reports.figures.shape import Course
from accesssync.reports.page.drawing.picture import WIDTH, Mark, Picture, line, short, text, ticks

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 44, 96, 14, 28, 216
_DOTS = 40


def steps(figure: Course) -> Picture:
    """A line for each series, from zero, told apart by colour, by dashes and by the word at its end."""
    most = max((value for one in figure.series for value in one.values), default=0)
    scale = ticks(most)
    ground, room, length = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP, WIDTH - _LEFT - _RIGHT
    start, end = figure.at[0], figure.at[-1]
    span = (end - start) or timedelta(seconds=1)
    marks: list[Mark] = []
    for tick in scale:
        y = ground - room * tick / scale[-1]
        marks.append(line(_LEFT, y, length, 0, "grid" if tick else "ground"))
        marks.append(text(_LEFT - 6, y + 4, short(tick), "tick", "end"))
    single = start == end
    across = [_LEFT + length * (0.5 if single else (at - start) / span) for at in figure.at]
    ends: list[tuple[float, str, str]] = []
    for one in figure.series:
        heights = [ground - room * value / scale[-1] for value in one.values]
        path = f"M{across[0]:.1f} {heights[0]:.1f}"
        for x, y in zip(across[1:], heights[1:], strict=True):
            path += f"H{x:.1f}V{y:.1f}"
        if not single:
            marks.append(Mark(kind="path", path=path, look=f"l-{one.key}"))
        shown = range(len(across)) if len(across) <= _DOTS else (len(across) - 1,)
        for place in shown:
            words = f"{figure.at[place]:%Y-%m-%d %H:%M}: {one.values[place]:,} {one.label}"
            look = f"s-{one.key} dot"
            marks.append(
                Mark(
                    kind="circle", x=round(across[place], 1), y=round(heights[place], 1), width=3, look=look, text=words
                )
            )
        ends.append((heights[-1], f"{short(one.values[-1])} {one.label}", f"t-{one.key}"))
    for y, words, look in _apart(ends):
        marks.append(text(across[-1] + 8, y + 4, words, look))
    marks += _days(figure, single)
    return Picture(WIDTH, _HEIGHT, tuple(marks))


def _days(figure: Course, single: bool) -> list[Mark]:
    y = _HEIGHT - 8
    if single:
        middle = _LEFT + (WIDTH - _LEFT - _RIGHT) / 2
        return [text(middle, y, f"{figure.at[0]:%Y-%m-%d}", "label", "middle")]
    start, end = figure.at[0], figure.at[-1]
    if end - start > timedelta(days=2):
        form = "%Y-%m-%d"
    else:
        form = "%m-%d %H:%M" if end - start > timedelta(hours=1) else "%H:%M:%S"
    found = []
    for share in (0.0, 0.5, 1.0):
        x = _LEFT + share * (WIDTH - _LEFT - _RIGHT)
        found.append(
            text(x, y, (start + share * (end - start)).strftime(form), "label", "start" if not share else "middle")
        )
    return found


def _apart(ends: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Words at the ends of lines, moved so that none stands on another."""
    placed: list[tuple[float, str, str]] = []
    for y, words, look in sorted(ends):
        lowest = placed[-1][0] + 15 if placed else y
        placed.append((max(y, lowest), words, look))
    over = placed[-1][0] - (_HEIGHT - _BOTTOM) if placed else 0
    return [(y - over, words, look) for y, words, look in placed] if over > 0 else placed
