"""Load the governance directory: every file in it, or every reason why not."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from accesssync.errors import ConfigurationError
from accesssync.nhi.decisions import DecisionRule, read_decisions
from accesssync.nhi.owners import OwnerRule, read_owners
from accesssync.parse.letters import LARGEST
from accesssync.parse.problems import Problems, nearest

OWNERS, DECISIONS = "owners.yaml", "decisions.yaml"
FILES = ("policy.yaml", OWNERS, DECISIONS, "waivers.yaml", "reviewers.yaml", "people.csv")
"""What may be in the directory. Each file may be absent; what is called otherwise is passed over."""

_LIKE_OURS = (".yaml", ".yml", ".csv")
T = TypeVar("T")


class Governance(Struct, frozen=True, kw_only=True):
    """What the files of the directory say. A file that is absent says nothing.

    `digests` has the SHA-256 of each file that is there, so that evidence can name what was in force.
    """

    owners: tuple[OwnerRule, ...] = ()
    decisions: tuple[DecisionRule, ...] = ()
    digests: dict[str, str] = {}


def load_governance(path: Path | None) -> Governance:
    """Everything in the directory; nothing where no directory is set.

    InputError with all problems of all files, each by line: half of a directory is never in force. ConfigurationError
    where the directory or a file cannot be read.
    """
    if path is None:
        return Governance()
    directory = _Directory(path)
    found = Governance(
        owners=directory.read(OWNERS, read_owners) or (),
        decisions=directory.read(DECISIONS, read_decisions) or (),
        digests=directory.digests,
    )
    directory.problems.raise_any()
    return found


class _Directory:
    """The files of one directory, and what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self.problems = Problems()
        self.digests: dict[str, str] = {}
        self._path = path
        try:
            names = sorted(one.name for one in path.iterdir())
        except OSError as error:
            raise _unreadable(path, error) from error
        for name in names:
            near = nearest(name, FILES) if name not in FILES and name.endswith(_LIKE_OURS) else None
            # A file that is meant and not read would be believed to be in force.
            if near and near not in names:
                self.problems.add(name, 1, f"no file of the governance directory has this name; did you mean {near}?")

    def read(self, name: str, reader: Callable[[bytes, str, Problems], T]) -> T | None:
        """What a reader makes of a file, or None where there is none."""
        path = self._path / name
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, error) from error
        self.digests[name] = sha256(content).hexdigest()
        return reader(content, name, self.problems)


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    what = error.strerror or "input/output error"
    return ConfigurationError(f"{path} cannot be read: {what}", remedy="see ACCESSSYNC_GOVERNANCE_DIR")
