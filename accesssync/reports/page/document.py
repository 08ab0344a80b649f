"""What every page of ours has: templates that escape, our own styles and script, and a policy that names them."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from accesssync.reports.figures.shape import Tile
from accesssync.reports.page.told import told

STYLES = ("page.css", "tables.css", "figures.css", "paper.css")
"""The files of our styles, in their order."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -:;,.")


@cache
def templates() -> Environment:
    """The templates. Whatever is put into them is escaped."""
    found = Environment(
        loader=PackageLoader("accesssync.reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["told"] = told
    found.filters["verdict"] = _verdict
    return found


def _verdict(tile: Tile) -> str:
    if not tile.change or tile.good is None:
        return "even"
    return "better" if (tile.change > 0) == tile.good else "worse"


@cache
def script_of(names: tuple[str, ...]) -> str:
    """Files of our script as one, which gives nothing to the rest of the page."""
    parts = "\n".join(_own("script", name) for name in names)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


@cache
def style_of(names: tuple[str, ...]) -> str:
    """Files of our styles as one."""
    return "\n".join(_own("style", name) for name in names)


def _own(folder: str, name: str) -> str:
    return (files("accesssync.reports.page") / folder / name).read_text(encoding="utf-8")


def as_they_are(styles: Iterable[str]) -> list[Markup]:
    """Styles for a template: our own files, and texts that went through `for_css`."""
    return [Markup(one) for one in styles]  # noqa: S704 - nothing of a stranger's, as the line above says


def for_css(words: str) -> str:
    """A text inside the quotes of a style sheet: what is no plain letter, digit or space is written as its number."""
    return "".join(one if one in _PLAIN else f"\\{ord(one):06x}" for one in words)


def policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """A policy under which nothing is fetched, and no script or style runs but these."""
    rules = {
        "default-src": ["'none'"],
        "script-src": list(_hashes(scripts)) or ["'none'"],
        "style-src": list(_hashes(styles)),
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in rules.items())


def _hashes(texts: Iterable[str]) -> Iterator[str]:
    for one in texts:
        yield f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'"
