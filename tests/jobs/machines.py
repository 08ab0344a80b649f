"""An organization whose users own keys."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import Engine

from accesssync.jobs.decide import Wish, decide
from accesssync.jobs.inventory import Document, View, identities, views
from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential
from accesssync.nhi.verdict import Decision
from accesssync.snapshot.source import Listing
from tests.builders import LONG_AGO, NOW, FakeSource, Org


class KeyedSource(FakeSource):
    """The organization with the application keys of `keys`."""

    keys: dict[str, Credential]

    def __init__(self, org: Org, *keys: Credential) -> None:
        super().__init__(org)
        self.keys = {one.id: one for one in keys}

    def application_keys(self) -> Listing[Credential]:
        return self._listing(Resource.APPLICATION_KEYS, self.keys, may_be_empty=True)


def key(
    number: int, owner: str, name: str = "laptop", used: datetime | UnsetType | None = UNSET, **facts: Any
) -> Credential:
    return Credential(
        id=f"key-{number}", type="application_key", name=name, owner_id=owner, created_at=LONG_AGO, last_used_at=used,
        **facts,
    )  # fmt: skip


def view_of(engine: Engine) -> View:
    (view,) = views(engine, ["acme"], None, lambda _error: None)
    return view


def verdicts(engine: Engine) -> dict[str, Document]:
    """The classification of everybody now, by id."""
    return {one["id"]: one["classification"] for one in identities(engine, view_of(engine))}


def decide_now(engine: Engine, who: str, decision: Decision, **facts: Any) -> Document:
    chosen = views(engine, [], None, lambda _error: None)
    now = facts.pop("now", NOW)
    return decide(
        engine, chosen, Wish(who=who, decision=decision, **{"by": "ada", "reason": "asked", **facts}), "ada", now
    )
