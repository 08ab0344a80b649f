"""For whom a report is: what its readers get to see, and whether they learn who the people are."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct

from accesssync.errors import UsageError
from accesssync.jobs.inventory import View
from accesssync.reports.dataset import Dataset
from accesssync.reports.disguise import disguise
from accesssync.reports.material import Material
from accesssync.reports.profile import PROFILES, Profile, left_out, narrowed
from accesssync.reports.pseudonyms import Pseudonyms
from accesssync.store.engine import Database
from accesssync.store.pseudonyms import kept_key, names_ever

_KEY_BYTES = 32


class Readership(Struct, frozen=True, kw_only=True):
    """For whom a report is."""

    profile: Profile = PROFILES["full"]
    pseudonymize: bool = False


class Shown(Struct, frozen=True, kw_only=True):
    """What the readers get: the datasets, what was left out in words, and the pseudonyms where there are any."""

    datasets: tuple[Dataset, ...]
    left_out: tuple[str, ...]
    pseudonyms: Pseudonyms | None


def profile_of(name: str) -> Profile:
    """A profile by its name; UsageError for one that there is not."""
    if name not in PROFILES:
        raise UsageError(f"there is no profile {name[:20]!r}", remedy=f"choose from {', '.join(PROFILES)}")
    return PROFILES[name]


def shown_to(readers: Readership, datasets: Sequence[Dataset], pseudonyms: Pseudonyms | None) -> Shown:
    """What these readers get of the datasets."""
    given = narrowed(datasets, readers.profile)
    told = left_out(datasets, readers.profile)
    return Shown(datasets=disguise(given, pseudonyms) if pseudonyms else given, left_out=told, pseudonyms=pseudonyms)


def pseudonyms_for(engine: Database, view: View, material: Material, secret: str | None, now: datetime) -> Pseudonyms:
    """Pseudonyms for everybody that the organization ever knew, made with the secret of the settings or a kept one."""
    key = sha256(secret.encode()).digest() if secret else kept_key(engine, secrets.token_bytes(_KEY_BYTES), now)
    access = material.picture.access
    plain = [
        *(one.subject for one in access.roles.values()),
        *(one.display_name or one.subject for one in access.permissions.values()),
    ]
    return Pseudonyms(key, names_ever(engine, view.org.id), plain)
