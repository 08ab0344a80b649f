"""The pictures of the page, in their order."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from accesssync.reports.columns import Table
from accesssync.reports.figures.credentials import credential_ages
from accesssync.reports.figures.findings import by_severity_and_age
from accesssync.reports.figures.heat import roles_by_tier
from accesssync.reports.figures.logins import last_logins
from accesssync.reports.figures.population import Population, humans_and_machines
from accesssync.reports.figures.shape import Course, Grid, Groups, counted
from accesssync.reports.figures.trend import joined_and_left, privileged_over_time
from accesssync.reports.page.drawing.columns import stacked, up_and_down
from accesssync.reports.page.drawing.course import steps
from accesssync.reports.page.drawing.heat import heat
from accesssync.reports.page.drawing.picture import Picture
from accesssync.reports.page.drawing.shares import shares


class Drawn(Struct, frozen=True, kw_only=True):
    """A figure and its picture. `name` is its place on the page."""

    name: str
    figure: Groups | Course | Grid
    picture: Picture
    legend: bool = False
    full: bool = False
    left_out: str = ""


def drawn(
    tables: Mapping[str, Table], population: Population, at: datetime
) -> tuple[tuple[Drawn, ...], tuple[str, ...]]:
    """The pictures that can be drawn, and the names of those that cannot."""
    identities, findings, trend = tables.get("identities"), tables.get("findings"), tables.get("trend")
    found: dict[str, Drawn | None] = {
        "privileged identities over time": _course(privileged_over_time(trend)),
        "open findings by severity and age": _stacked(
            "findings-figure", by_severity_and_age(findings, at), legend=True
        ),
        "last login of people": _stacked("logins-figure", last_logins(identities, at)),
        "people and machines": _shares("population-figure", humans_and_machines(population)),
        "age of credentials": _shares("ages-figure", credential_ages(tables.get("keys_tokens"), at)),
        "joined and left": _up_and_down(joined_and_left(trend)),
        "roles by tier": _heat(roles_by_tier(tables.get("roles"), tables.get("role_permissions"))),
    }
    return tuple(one for one in found.values() if one), tuple(name for name, one in found.items() if one is None)


def _course(figure: Course | None) -> Drawn | None:
    return Drawn(name="trend-figure", figure=figure, picture=steps(figure)) if figure else None


def _stacked(name: str, figure: Groups | None, *, legend: bool = False) -> Drawn | None:
    return Drawn(name=name, figure=figure, picture=stacked(figure), legend=legend) if figure else None


def _shares(name: str, figure: Groups | None) -> Drawn | None:
    return Drawn(name=name, figure=figure, picture=shares(figure), legend=True) if figure else None


def _up_and_down(figure: Groups | None) -> Drawn | None:
    return Drawn(name="joined-figure", figure=figure, picture=up_and_down(figure), legend=True) if figure else None


def _heat(figure: Grid | None) -> Drawn | None:
    if figure is None:
        return None
    more = counted(figure.left_out, "role", "roles")
    rest = f"The table of roles has {more} more." if figure.left_out else ""
    return Drawn(name="roles-figure", figure=figure, picture=heat(figure), full=True, left_out=rest)
