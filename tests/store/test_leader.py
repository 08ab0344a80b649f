"""One leads, and another one as soon as it is gone; leading holds up nobody's writing."""

from sqlalchemy import Engine

from accesssync.store import leader, schema
from accesssync.store.engine import connect, parse_url
from accesssync.store.leader import Leadership


def advisory_locks() -> list[int]:
    """The numbers of all advisory locks that are named by a constant of the store."""
    import importlib
    import pkgutil

    from accesssync import store

    modules = [
        importlib.import_module(f"accesssync.store.{each.name}") for each in pkgutil.iter_modules(store.__path__)
    ]
    names = {(name, value) for module in modules for name, value in vars(module).items() if name.endswith("_LOCK")}
    return [value for _, value in names if isinstance(value, int)]


def test_no_two_purposes_share_a_lock() -> None:
    numbers = advisory_locks()
    assert {leader.LEADER_LOCK, schema.MIGRATION_LOCK} <= set(numbers)
    assert len(numbers) == len(set(numbers))


def test_one_leads_and_the_next_when_it_lets_go_or_dies(postgres_url: str) -> None:
    engines: list[Engine] = [connect(parse_url(postgres_url)) for _ in range(3)]
    first, second, third = (Leadership(each) for each in engines)
    assert first.held()
    assert first.held()
    assert not second.held()
    first.release()
    assert second.held()
    assert not first.held()
    # As when its process is killed: the session ends without a word.
    assert second._connection is not None
    driver = second._connection.connection.driver_connection
    assert driver is not None
    driver.close()
    assert third.held()
    for each in (first, second, third):
        each.release()
    for engine in engines:
        engine.dispose()
