"""Run the migrations on the connection that accesssync hands over, or on ACCESSSYNC_DATABASE_URL for `alembic`."""

import os

from alembic import context
from sqlalchemy import create_engine

from accesssync.store.tables import metadata

connection = context.config.attributes.get("connection")


def run(bind) -> None:
    context.configure(
        connection=bind,
        target_metadata=metadata,
        render_as_batch=bind.dialect.name == "sqlite",
        compare_type=True,
        # The caller owns the transaction: either the whole upgrade is there afterwards or nothing of it.
        transactional_ddl=False,
    )
    context.run_migrations()


if connection is not None:
    run(connection)
else:
    with create_engine(os.environ["ACCESSSYNC_DATABASE_URL"], hide_parameters=True).begin() as bind:
        run(bind)
