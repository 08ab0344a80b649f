"""Plans that are made and applied in one process, against an organization of plain Python."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from accesssync.jobs.provision.apply import Applied, World, apply
from accesssync.jobs.provision.invitations import send_again
from accesssync.jobs.provision.plan import Planned, plan_from
from accesssync.jobs.provision.plan_file import read
from accesssync.jobs.provision.resume import resume, unfinished
from accesssync.jobs.provision.terms import Doors
from accesssync.model.operation import PROVISIONING
from accesssync.model.role import Permission
from accesssync.settings import Settings
from accesssync.snapshot.source import Account
from accesssync.store import runs
from tests.builders import Clock, FakeSource, Org, Syncing, permission, role
from tests.provision.builders import ADMIN, READ, STANDARD, person
from tests.provision.fake import FakeDatadog

HEAD = "version: 1\norg: acme\n"


def acme(*people: str) -> Org:
    """An organization with three admins, the owner of the provisioning key, and these people of the Standard role."""
    org = Org(0)
    org.permissions = {
        one.id: one
        for one in (
            permission(1),
            Permission(id="perm-manage", name="user_access_manage", display_type="write"),
        )
    }
    org.roles = {
        ADMIN: role(1, id=ADMIN, name="Datadog Admin Role", permission_ids=("perm-1", "perm-manage")),
        STANDARD: role(2, id=STANDARD, name="Datadog Standard Role"),
        READ: role(3, id=READ, name="Datadog Read Only Role"),
    }
    admins = [person(name, ADMIN) for name in ("root1x", "root2x", "root3x")]
    owner = person("caller", STANDARD, service_account=True, handle="caller", name="accesssync")
    ordinary = [person(name, STANDARD) for name in people]
    org.users = {one.id: one for one in (*admins, owner, *ordinary)}
    return org


class Desk:
    """Somebody who plans and applies, with everything that belongs to it."""

    def __init__(self, engine: Engine, org: Org, folder: Path, **settings: Any) -> None:
        self.engine = engine
        self.org = org
        self.folder = folder
        self.clock = Clock()
        self.datadog = FakeDatadog(org.users)
        self.settings = Settings(
            orgs={"acme": {"provision_app_key": "0123456789abcdef0123456789abcdef76543210"}},  # type: ignore[dict-item]
            allowed_operations=frozenset(PROVISIONING),
            concurrency=4,
            **settings,
        )
        self.waits: list[float] = []

    @property
    def doors(self) -> Doors:
        reader = Account(user_id="reader", subject="reader", org_id=None, org_name=None)
        return Doors(gateway=lambda _org: self.datadog, account=lambda _org: reader)

    @property
    def world(self) -> World:
        return World(clock=self.clock, sleep=self.waits.append, on_done=lambda _done, _total: None)

    def sync(self) -> None:
        synced = Syncing(self.engine, self.clock)(FakeSource(self.org))
        assert synced.error is None, synced.error

    def plan(self, text: str, **options: Any) -> Planned:
        path = self.folder / "access.yaml"
        path.write_text(HEAD + text)
        usual: dict[str, Any] = {"mode": None, "author": "ada", "now": self.clock()}
        return plan_from(
            self.engine, self.settings, path, [], self.doors, lambda _org: self.sync(), **{**usual, **options}
        )

    def apply(self, planned: Planned) -> Applied:
        ready = read(self.engine, self.settings, planned.content, "plan.json", [])
        return apply(self.engine, self.settings, ready, self.doors, self.world, by="ada")

    def do(self, text: str, **options: Any) -> Applied:
        """Plan and apply."""
        return self.apply(self.plan(text, **options))

    def resume(self) -> list[Applied]:
        [org] = self.settings.organizations(["acme"])
        return [
            resume(self.engine, self.settings, org, digest, self.doors, self.world, by="ada")
            for digest in unfinished(self.engine, org)
        ]

    def resend(self, *mails: Any) -> Applied:
        [org] = self.settings.organizations(["acme"])
        return send_again(self.engine, self.settings, org, self.record, mails, self.doors, self.world, by="ada")

    @property
    def record(self) -> runs.OrgRecord:
        found = runs.find_org(self.engine, "acme")
        assert found is not None
        return found


def user(name: str, *roles: str, **more: str) -> str:
    """One line of a file."""
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return f"  - {{email: {name}@example.com, roles: [{', '.join(roles)}]{extra}}}\n"


def outcomes(applied: Applied) -> dict[tuple[str, str], str]:
    """What became of each action."""
    return {(one.operation.value, one.subject.partition("@")[0]): one.outcome.value for one in applied.results}
