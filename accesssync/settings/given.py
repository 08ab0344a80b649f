"""What the environment, the env file and the secrets directory say, before anything of it is checked."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accesssync.errors import ConfigurationError
from accesssync.settings.organization import ORGS
from accesssync.settings.problem import Problem, refuse
from accesssync.settings.variables import FIELDS, ORG_FIELDS, nearest, problem

_MOST_BYTES = 2**22
"""Of an env file or a secret: room for ten thousand organizations."""

_ORG_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SINGLE = ("DD_SITE", "DD_API_KEY", "DD_APP_KEY")


@dataclass
class Given:
    """What the sources say: values by variable in capitals, and how and where each variable was written."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    written: dict[str, str] = field(default_factory=dict)
    orgs: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def gather(cls, env_file: Path | None, environ: Mapping[str, str]) -> "Given":
        """Of several sources that set a variable the first counts; an empty value counts as none."""
        given = cls()
        given._add(environ.items(), "")
        path = env_file or Path(".env")
        if env_file or path.is_file():
            given._add(_env_file(path), f" (in {path})")
        if directory := given.values.get("ACCESSSYNC_SECRETS_DIR"):
            given._add(_secrets(Path(directory)), f" (in {directory})")
        given._sort_out()
        return given

    def nested(self) -> dict[str, Any]:
        """The values by variable, as `Settings` takes them."""
        return {name: value for name, value in self.values.items() if name in FIELDS} | {ORGS: self.orgs}

    def _add(self, pairs: Any, where: str) -> None:
        for name, value in sorted(pairs):
            variable = name.upper()
            if value and variable not in self.values and (variable in _SINGLE or variable.startswith("ACCESSSYNC_")):
                self.values[variable] = value
                self.written[variable] = name + where

    def _sort_out(self) -> None:
        for variable in [name for name in self.values if name not in FIELDS]:
            org, _, setting = variable.removeprefix(ORGS + "__").rpartition("__")
            if not variable.startswith(ORGS + "__") or not org or setting not in ORG_FIELDS:
                self.warnings.append(f"{self.written[variable]} is not a setting and is ignored{nearest(variable)}")
            elif not _ORG_NAME.fullmatch(org.lower()):
                what = "names its organization with other than a-z, 0-9, - and _, or with more than 63 of them"
                self.problems.append(Problem(variable, what, f"for example {ORGS}__EMEA__{setting}"))
            else:
                self.orgs.setdefault(org.lower(), {})[setting] = self.values[variable]
        replaced = [name for name in _SINGLE if self.orgs and name in self.values]
        if replaced:
            self.values = {name: value for name, value in self.values.items() if name not in replaced}
            names = ", ".join(self.written[name] for name in replaced)
            self.warnings.append(f"ignored because {ORGS}__... variables are set: {names}")
        self.warnings.sort()


def _env_file(path: Path) -> Iterator[tuple[str, str]]:
    from dotenv.parser import parse_stream

    try:
        text = _text(path)
    except OSError as error:
        raise ConfigurationError(f"the env file {path} cannot be read: {error.strerror}") from None
    pairs = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            blank = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string[:blank].count("\n")
            raise ConfigurationError(f"line {line} of the env file {path} is not NAME=VALUE")
        if binding.key and binding.value:
            pairs[binding.key] = binding.value
    yield from pairs.items()


def _secrets(directory: Path) -> Iterator[tuple[str, str]]:
    try:
        for path in directory.iterdir():
            if path.name.upper().startswith(("DD_", "ACCESSSYNC_")) and path.is_file():
                yield path.name, _text(path).strip()
    except OSError as error:
        what = f"names a directory that cannot be read: {error.filename}: {error.strerror}"
        refuse([problem("ACCESSSYNC_SECRETS_DIR", what)])


def _text(path: Path) -> str:
    # Not a strict decode: its exception would carry the whole file, keys and all, into a traceback.
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1).decode("utf-8-sig", errors="replace")
    if "\ufffd" in text:
        raise ConfigurationError(f"the file {path} is not UTF-8 text")
    if len(text) > _MOST_BYTES:
        raise ConfigurationError(f"the file {path} is larger than {_MOST_BYTES:,} bytes")
    return text
