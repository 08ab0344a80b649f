"""Copies of a PostgreSQL database, which cost less than filling a new one."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL


@contextmanager
def copied(template: URL) -> Iterator[URL]:
    """A database like `template`, to which nobody may be connected, for as long as the context lasts."""
    name = f"accesssync_test_{uuid.uuid4().hex}"
    server = template.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    like = sql.Identifier(str(template.database))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), like))
        try:
            yield template.set(database=name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
