"""Load the governance directory: every file in it, or every reason why not."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from accesssync.errors import ConfigurationError
from accesssync.findings.catalogue import BY_ID
from accesssync.findings.people import People, read_people
from accesssync.findings.policy import PolicyFile, read_policy
from accesssync.findings.waiver import Waiver, read_waivers
from accesssync.nhi.decisions import DecisionRule, read_decisions
from accesssync.nhi.owners import OwnerRule, read_owners
from accesssync.parse.letters import LARGEST
from accesssync.parse.problems import Problems, nearest

OWNERS, DECISIONS = "owners.yaml", "decisions.yaml"
POLICY, WAIVERS, PEOPLE = "policy.yaml", "waivers.yaml", "people.csv"
FILES = (POLICY, OWNERS, DECISIONS, WAIVERS, "reviewers.yaml", PEOPLE)
"""What may be in the directory. Each file may be absent; what is called otherwise is passed over."""

_LIKE_OURS = (".yaml", ".yml", ".csv")
T = TypeVar("T")


class Governance(Struct, frozen=True, kw_only=True):
    """What the files of the directory say. A file that is absent says nothing.

    `digests` has the SHA-256 of each file that is there, so that evidence can name what was in force.
    """

    owners: tuple[OwnerRule, ...] = ()
    decisions: tuple[DecisionRule, ...] = ()
    policy: PolicyFile = PolicyFile()
    waivers: tuple[Waiver, ...] = ()
    people: People | None = None
    digests: dict[str, str] = {}


def load_governance(path: Path | None, today: date) -> Governance:
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
        policy=directory.read(POLICY, read_policy_file) or PolicyFile(),
        waivers=directory.read(WAIVERS, partial(read_waivers, today=today)) or (),
        people=directory.read(PEOPLE, partial(_people, as_of=directory.written(PEOPLE))),
        digests=directory.digests,
    )
    directory.problems.raise_any()
    return found


def read_policy_file(content: bytes, file: str, problems: Problems) -> PolicyFile:
    """A policy, read against the checks there are."""
    return read_policy(content, file, problems, BY_ID)


def _people(content: bytes, file: str, problems: Problems, *, as_of: datetime | None) -> People:
    return read_people(io.BytesIO(content), file, problems, as_of)


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

    def written(self, name: str) -> datetime | None:
        """When a file was last written; None where there is none."""
        try:
            return datetime.fromtimestamp(int((self._path / name).stat().st_mtime), UTC)
        except (OSError, ValueError, OverflowError):
            return None

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
