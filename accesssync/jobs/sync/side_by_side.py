"""Sync several organizations at the same time, none of them at the mercy of another."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from accesssync.errors import AccessSyncError
from accesssync.jobs.sync.run import Synced, Target, Terms, World, sync_org
from accesssync.store.engine import Database

AT_ONCE = 4
"""Organizations synced at the same time. They share the limit on requests under way."""


def sync_all(
    database: Database, targets: Sequence[Target], terms: Terms, world_of: Callable[[Target], World]
) -> Iterator[Synced]:
    """Sync every organization, several at a time; gives the answers in the order of `targets`, each when it is there.

    Together they never have more requests under way than `terms.concurrency`. What goes wrong with one
    is part of its own answer, bugs included.
    """
    if len(targets) == 1:
        yield _one(database, terms, world_of(targets[0]), targets[0])
        return
    width = max(1, min(AT_ONCE, len(targets), terms.concurrency))
    share = replace(terms, concurrency=max(1, terms.concurrency // width))
    executor = ThreadPoolExecutor(width, thread_name_prefix="org")
    try:
        waiting = [executor.submit(_one, database, share, world_of(target), target) for target in targets]
        for future in waiting:
            yield future.result()
    finally:
        # All are done, or somebody wants to stop: then the process ends, and the next run undoes what this one left.
        executor.shutdown(wait=False, cancel_futures=True)


def _one(database: Database, terms: Terms, world: World, target: Target) -> Synced:
    try:
        return sync_org(database, target, terms, world)
    except Exception as bug:  # noqa: BLE001 - the other organizations are not to suffer for it
        error = AccessSyncError(
            f"this is a bug in accesssync ({type(bug).__name__})",
            org=target.name,
            remedy="run again with --debug for a traceback",
        )
        error.__cause__ = bug
        return Synced(
            org=target.name, site=target.site, run=None, observed={}, counts={}, previous_run=None, error=error
        )
