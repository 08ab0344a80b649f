"""What is wrong with an invented organization, said by who invented it: the truth for whoever looks for problems.

Every problem has a word of the sandbox's own. People: asleep, powerful_asleep, never_came, outsider,
outsider_in_control. Machines: powerful_machine, idle_machine, machine_in_disguise, shared_mailbox,
login_of_a_machine. Keys and tokens: leaked, unscoped, old, idle, key_of_a_leaver, endless, personal_in_production.
Roles: control_in_a_role, toxic_role; toxic_person for somebody whose roles are harmless one by one. mapping_to_control,
client_writes_for_many, and many_admins of the whole organization. Ordinary people have none of them.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from random import Random
from typing import TypedDict

from accesssync.sandbox.credentials import ApiKey, AppKey, Token
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.records import Role, User

ADMIN, STANDARD, READ_ONLY = "Datadog Admin Role", "Datadog Standard Role", "Datadog Read Only Role"
_ADMINS_NEEDED = 5
_MAILBOXES = frozenset({"shared_mailbox"})


class Power(TypedDict):
    """Which permissions give power, and which must not come together: something of each list."""

    control: list[str]
    secrets: list[str]
    sensitive: list[str]
    toxic: list[list[list[str]]]


@cache
def power() -> Power:
    """What Datadog's documentation and common sense say."""
    text = (resources.files("accesssync.sandbox") / "data" / "power.json").read_text("utf-8")
    read: Power = json.loads(text)
    return read


def plant_oddities(organization: Organization, rng: Random, now: datetime) -> None:
    """Put in what chance does not bring: somebody logs in with a service account."""
    users = list(organization.users.values())
    accounts = [one for one in users[2:] if one.service_account and one.status == "Active"]
    if len(users) >= 100 and accounts:
        rng.choice(accounts).last_login_at = now - timedelta(days=rng.uniform(1, 20))


class Census:
    """Looks at every record of an organization as it is served, and says what is wrong with it at `now`."""

    def __init__(self, organization: Organization, now: datetime) -> None:
        self._organization = organization
        self._now = now
        known = organization.permissions_by_name
        ordinary = self._carried(organization.role(STANDARD))
        lists = power()
        self._control = {name for name in lists["control"] if name in known}
        self._secrets = (self._control | set(lists["secrets"])) - ordinary
        self._power = (self._secrets | set(lists["sensitive"])) - ordinary
        self._admin = organization.role(ADMIN).id
        self._held = {one.id: organization.permission_names(one) for one in organization.users.values()}
        self._owned: dict[str, list[AppKey | Token]] = defaultdict(list)
        owned: list[AppKey | Token] = [*organization.app_keys.values(), *organization.tokens.values()]
        for key in owned:
            self._owned[key.owner_id].append(key)

    def problems(self) -> set[tuple[str, str]]:
        """Every problem as its word and the id of what it is about; of the whole organization, its name."""
        found = set(self._of_people()) | set(self._of_machines()) | set(self._of_owned_keys())
        found |= set(self._of_api_keys()) | set(self._of_roles()) | set(self._of_the_rest())
        return found

    def _carried(self, role: Role) -> set[str]:
        catalogue = self._organization.permissions
        return {catalogue[each].name for each in role.permission_ids if each in catalogue}

    def _before(self, days: int, moment: datetime | None) -> bool:
        return moment is None or moment < self._now - timedelta(days=days)

    def _people(self) -> list[User]:
        users = self._organization.users.values()
        return [one for one in users if one.truth.nature == "human" and not one.service_account]

    def _idle_keys(self, user: User, days: int) -> bool:
        return all(self._before(days, key.last_used_at) for key in self._owned[user.id])

    def _of_people(self) -> Iterator[tuple[str, str]]:
        own = self._organization.domain
        for one in self._people():
            powerful = bool(self._held[one.id] & self._power)
            domain = one.email.rpartition("@")[2]
            if one.status != "Disabled" and domain != own and not domain.endswith("." + own):
                control = self._held[one.id] & self._control
                yield "outsider_in_control" if control else "outsider", one.id
            if one.status != "Active":
                continue
            if one.last_login_at is None:
                if self._before(30, one.created_at) and self._idle_keys(one, 30):
                    yield "never_came", one.id
            elif powerful and self._before(45, one.last_login_at):
                yield "powerful_asleep", one.id
            elif not powerful and self._before(90, max(one.last_login_at, one.created_at)) and self._idle_keys(one, 90):
                yield "asleep", one.id

    def _of_machines(self) -> Iterator[tuple[str, str]]:
        for one in self._organization.users.values():
            if one.truth.nature != "nhi" or one.status == "Disabled":
                continue
            emergency = one.truth.kind == "break_glass"
            if self._held[one.id] & self._secrets and not emergency:
                yield "powerful_machine", one.id
            if one.status != "Active" or emergency:
                continue
            if self._before(90, one.created_at) and self._before(90, one.last_login_at) and self._idle_keys(one, 90):
                yield "idle_machine", one.id
            if one.service_account and one.last_login_at is not None:
                yield "login_of_a_machine", one.id
            if not one.service_account:
                yield "shared_mailbox" if one.truth.kind in _MAILBOXES else "machine_in_disguise", one.id

    def _of_owned_keys(self) -> Iterator[tuple[str, str]]:
        users = self._organization.users
        owned: list[AppKey | Token] = [*self._organization.app_keys.values(), *self._organization.tokens.values()]
        for one in owned:
            owner = users.get(one.owner_id)
            expired = isinstance(one, Token) and one.expires_at is not None and one.expires_at <= self._now
            if one.leak is not None:
                yield "leaked", one.id
            if isinstance(one, AppKey) and self._before(365, one.created_at) and not (owner and owner.disabled):
                yield "old", one.id
            if owner is None or owner.disabled or expired:
                continue
            if self._idle(one):
                yield "idle", one.id
            yield from self._reach(one, owner)
            if isinstance(one, Token) and self._outlives(one):
                yield "endless", one.id

    def _idle(self, one: AppKey | Token) -> bool:
        if one.last_used_at is None:
            return self._before(30, one.created_at)
        return self._before(90, one.last_used_at)

    def _outlives(self, one: Token) -> bool:
        if one.expires_at is None:
            return True
        return (one.expires_at - one.created_at).days > (365 if one.kind == "service_access_tokens" else 90)

    def _reach(self, one: AppKey | Token, owner: User) -> Iterator[tuple[str, str]]:
        able = self._held[owner.id] & self._power
        if one.scopes is not None:
            able &= set(one.scopes)
        elif able:
            yield "unscoped", one.id
        person = owner.truth.nature == "human" and owner.status == "Active"
        used = one.last_used_at is not None and not self._before(7, one.last_used_at)
        if able and person and used:
            yield "personal_in_production", one.id

    def _of_api_keys(self) -> Iterator[tuple[str, str]]:
        for one in self._organization.api_keys.values():
            if one.leak is not None:
                yield "leaked", one.id
            if self._before(365, one.created_at):
                yield "old", one.id
            if self._before(90, one.last_used_at) and self._before(90, one.created_at):
                yield "idle", one.id
            if self._left_by_its_maker(one):
                yield "key_of_a_leaver", one.id

    def _left_by_its_maker(self, one: ApiKey) -> bool:
        maker = self._organization.users.get(one.created_by or "")
        return maker is not None and maker.disabled and not self._before(90, one.last_used_at)

    def _of_roles(self) -> Iterator[tuple[str, str]]:
        organization = self._organization
        accounts = [one for one in organization.users.values() if one.service_account and not one.disabled]
        acted_as = any(self._held[one.id] & self._control for one in accounts)
        toxic = [sides for sides in power()["toxic"] if len(sides) > 1 or acted_as]

        def breaks(held: set[str] | frozenset[str]) -> list[int]:
            return [n for n, sides in enumerate(toxic) if all(held & set(side) for side in sides)]

        able = [one for one in organization.users.values() if not one.disabled]
        carried = {role.id: self._carried(role) for role in organization.roles.values()}
        for role in organization.roles.values():
            held = any(role.id in one.role_ids for one in able)
            if role.managed or not held:
                continue
            if carried[role.id] & self._control:
                yield "control_in_a_role", role.id
            if breaks(carried[role.id]):
                yield "toxic_role", role.id
        for one in able:
            alone = {n for role_id in one.role_ids for n in breaks(carried.get(role_id, set()))}
            if self._admin not in one.role_ids and set(breaks(self._held[one.id])) - alone:
                yield "toxic_person", one.id

    def _of_the_rest(self) -> Iterator[tuple[str, str]]:
        organization = self._organization
        admins = [one for one in self._people() if one.status == "Active" and self._admin in one.role_ids]
        if len(admins) > _ADMINS_NEEDED:
            yield "many_admins", organization.name
        for mapping in organization.mappings.values():
            role = organization.roles.get(mapping.role_id or "")
            if role is not None and self._carried(role) & self._control:
                yield "mapping_to_control", mapping.id
        for client in organization.oauth_clients.values():
            scopes = {each for one in client.authorizations.values() for each in one.scopes}
            writes = any(each.endswith(("_write", "_manage", "_delete")) for each in scopes)
            if writes and not client.disabled and len(client.authorizations) > 50:
                yield "client_writes_for_many", client.id
