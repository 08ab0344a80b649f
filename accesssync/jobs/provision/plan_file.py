"""Files of plans: written once, read exactly, and known to the database that they were made with."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from accesssync.errors import RefusedError, StoreError, UsageError
from accesssync.provision.plan import LARGEST, Plan, read_plan
from accesssync.settings import OrgSettings, Settings
from accesssync.store import plans, runs
from accesssync.store.engine import Database


class Ready(Struct, frozen=True, kw_only=True):
    """A plan that may be applied as far as can be said without Datadog."""

    plan: Plan
    digest: str
    org: OrgSettings
    record: runs.OrgRecord


def read(engine: Database, settings: Settings, content: bytes, name: str, asked: Sequence[str]) -> Ready:
    """A plan out of its file, of an organization that is configured, known here, and asked for if any is."""
    plan, digest = read_plan(content, name)
    if asked and plan.org not in {one.lower() for one in asked}:
        raise RefusedError(f"the plan is for {plan.org}, not for {', '.join(asked)}", org=plan.org)
    [org] = settings.organizations([plan.org])
    record = runs.find_org(engine, plan.org)
    stored = plans.find_plan(engine, digest)
    if record is None or stored is None or stored.org_id != record.id:
        raise RefusedError(
            f"the plan {digest[:12]} was not made with this database",
            org=plan.org,
            remedy="plan again: accesssync provision plan",
        )
    return Ready(plan=plan, digest=digest, org=org, record=record)


def load_plan(engine: Database, settings: Settings, given: str, asked: Sequence[str]) -> Ready:
    """A plan that was made here, by its file or by the start of its digest."""
    path = Path(given)
    if path.is_file():
        return read(engine, settings, read_file(path, LARGEST, "plan"), str(path), asked)
    stored = plans.find_plan(engine, given) if len(given) >= 8 and given.isalnum() else None
    if stored is None:
        raise UsageError(f"{given} is neither a file nor the beginning of a plan's digest")
    return read(engine, settings, stored.document.encode(), f"the plan {given[:12]}", asked)


def read_file(path: Path, largest: int, what: str) -> bytes:
    """A file whole. UsageError where it cannot be read, or is larger than any such file."""
    try:
        with path.open("rb") as content:
            found = content.read(largest + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or 'input/output error'}") from error
    if len(found) > largest:
        raise UsageError(f"{path} is larger than {largest // 2**20} MiB, which no {what} is")
    return found


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all. StoreError where that cannot be done.

    A link in its place is replaced, never followed.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or 'input/output error'}", remedy="choose another place with -o"
        ) from error
