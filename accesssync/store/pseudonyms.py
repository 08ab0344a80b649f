"""What pseudonyms in reports are made with, and whom they have to hide."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine, insert, select

from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.tables import identities, pseudonym_keys

_ONLY = 1


def kept_key(engine: Engine, new_key: bytes, now: datetime) -> bytes:
    """The key that this database keeps; `new_key`, kept from now on, where it has none."""
    query = select(pseudonym_keys.c.key).where(pseudonym_keys.c.id == _ONLY)
    with translated("the key of pseudonyms cannot be read"), engine.connect() as connection:
        found: bytes | None = connection.execute(query).scalar()
    if found is not None:
        return bytes(found)
    with translated("the key of pseudonyms cannot be kept"), writing(engine) as connection:
        found = connection.execute(query).scalar()
        if found is None:
            connection.execute(insert(pseudonym_keys).values(id=_ONLY, key=new_key, created_at=now))
        return new_key if found is None else bytes(found)


def names_ever(engine: Engine, org_id: int) -> Iterator[str]:
    """Every name, address and handle that any user record of an organization ever had."""
    columns = (identities.c.name, identities.c.email, identities.c.handle, identities.c.id)
    query = select(*columns).where(identities.c.org_id == org_id).distinct()
    with translated("the identities cannot be read"), engine.connect() as connection:
        for *texts, own_id in connection.execute(query.execution_options(yield_per=1_000)):
            # The handle of a service account is its id, which stays.
            yield from (text for text in texts if text and text != own_id)
