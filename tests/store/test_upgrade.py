"""A database that an older version filled is brought up to date with everything in it, and used from there on."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from accesssync.jobs.inventory import identities, views
from accesssync.jobs.sync.classify import count_labels
from accesssync.store import schema
from tests.builders import FakeSource, Org, Syncing, dump, identity, open_database

BOT = identity(7, name="Deploy Bot", email="deploy-bot@example.com", handle="deploy-bot@example.com")


def back_to(engine: Engine, revision: str) -> None:
    """Make it the database that the version with this revision would have left."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        config = Config()
        config.set_main_option("script_location", str(schema.migrations()))
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.commit()
    engine.dispose()


def test_a_filled_database_from_before_classifications_gains_them_at_the_next_sync(database_url: str) -> None:
    engine = open_database(database_url)
    org = Org()
    org.put(BOT)
    Syncing(engine)(FakeSource(org))
    people = dump(engine)["identities"]
    back_to(engine, "0002")
    assert schema.current(engine) == "0002"
    assert not {"classifications", "decisions", "governed"} & set(dump(engine))
    schema.upgrade(engine)
    assert schema.differences(engine) == []
    assert dump(engine)["identities"] == people
    (view,) = views(engine, [], None, lambda _error: None)
    assert {one["classification"]["label"] for one in identities(engine, view)} == {"unknown"}
    done = Syncing(engine)(FakeSource(org))
    assert done.error is None
    assert done.run is not None
    # What was worked out anew is no news.
    assert (done.run.baseline, done.run.added, done.run.updated, done.run.removed) == (False, 0, 0, 0)
    assert count_labels(engine, view.org.id)["inferred"] == 1
    engine.dispose()


def test_a_filled_database_from_before_the_audit_trail_is_used_from_there_on(database_url: str) -> None:
    engine = open_database(database_url)
    org = Org()
    Syncing(engine)(FakeSource(org))
    runs = dump(engine)["runs"]
    back_to(engine, "0010")
    assert "trail_events" not in dump(engine)
    schema.upgrade(engine)
    assert schema.differences(engine) == []
    # What earlier runs asked Datadog is not known, which is not none.
    assert [row[:-2] for row in dump(engine)["runs"]] == [row[:-2] for row in runs]
    assert [row[-2:] for row in dump(engine)["runs"]] == [(None, None)]
    org.put(BOT)
    done = Syncing(engine)(FakeSource(org), audit_trail=True)
    assert done.error is None
    assert done.run is not None
    assert (done.run.added, done.run.rate_limited) == (2, 0)
    assert (done.run.audit_trail or {})["state"] == "read"
    engine.dispose()
