"""The parts of docs/datadog-permissions.md that come from the data. To renew: python -m tests.reach.permissions_page"""

import re
from pathlib import Path

from accesssync.reach.features import Feature, Key, features, minimal

PAGE = Path(__file__).parents[2] / "docs" / "datadog-permissions.md"
_PART = re.compile(r"(<!-- (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renew(page: str) -> str:
    """The page with everything between its marks written anew."""
    return _PART.sub(lambda found: f"{found[1]}{_part(found[2])}\n{found[3]}", page)


def parts(page: str) -> list[str]:
    """The names of the parts that are marked."""
    return [found[2] for found in _PART.finditer(page)]


def _part(name: str) -> str:
    kind, _, key = name.partition(":")
    wanted: Key = {"read": "read", "provision": "provision", "publish": "publish"}[key]  # type: ignore[assignment]
    if kind == "scopes":
        return f"```text\n{','.join(minimal(wanted))}\n```"
    if kind == "terraform":
        names = "".join(f'    "{name}",\n' for name in minimal(wanted))
        return f"```terraform\nlocals {{\n  {wanted}_scopes = [\n{names}  ]\n}}\n```"
    return "\n".join(["| feature | name | permission | why |", "|---|---|---|---|", *map(_row, _of(wanted))])


def _of(key: Key) -> list[Feature]:
    return [one for one in features() if one.key == key]


def _row(one: Feature) -> str:
    named = one.resource or one.operation
    permissions = ", ".join(f"`{name}`" for name in one.permissions) or "none"
    return f"| {one.title} | {f'`{named}`' if named else ''} | {permissions} | {one.why} |"


if __name__ == "__main__":
    PAGE.write_text(renew(PAGE.read_text("utf-8")), "utf-8")
