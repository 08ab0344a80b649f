"""Invent a whole organization from a seed.

The same arguments give the same organization to the byte, identifiers included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from accesssync.sandbox.casting import Cast
from accesssync.sandbox.datafiles import machines, permissions, role_templates
from accesssync.sandbox.grouping import connect_clients, form_teams, map_groups
from accesssync.sandbox.issuing import Issuer
from accesssync.sandbox.keyring import PROVISIONING_SCOPES, READING_SCOPES
from accesssync.sandbox.organization import Organization, random_uuid
from accesssync.sandbox.problems import plant_oddities
from accesssync.sandbox.records import Deployment, Status, Truth, User

_SERVICE_ACCOUNTS = 0.06
_DISGUISED = 0.04
_AGE_DAYS = 6 * 365
_HUMAN = Truth("human")

ADMIN = "Datadog Admin Role"
STANDARD = "Datadog Standard Role"
READ_ONLY = "Datadog Read Only Role"


def generate(users: int, seed: int, now: datetime, *, deployment: Deployment | None = None) -> Organization:
    """An organization with exactly `users` accounts as it stands at `now`.

    About 6 % are service accounts and 4 % machines disguised as ordinary users; the rest are people,
    some pending, disabled, dormant or from other firms. They come with keys, tokens, teams, SAML mappings
    and OAuth clients. The first API key and the first application key belong to a service account that is
    an administrator, or to the only user; the second application key may do nothing but read.
    """
    if users < 1:
        raise ValueError("an organization needs at least one user")
    rng = Random(seed)  # noqa: S311  invented data, not secrets
    cast = Cast(rng)
    name = cast.company.split(".")[0].title()
    organization = Organization(
        name,
        cast.company,
        seed=rng.getrandbits(64),
        permissions=permissions(),
        deployment=deployment,
        created_at=now - timedelta(days=_AGE_DAYS),
    )
    roles = _add_roles(organization, users, rng, now)
    writer = _Writer(rng, cast, now, roles)
    for number in range(users):
        organization.place_user(writer.account(number))
    _add_own_keys(organization, list(organization.users)[min(1, users - 1)], now)
    # From a source of their own, so that the accounts do not depend on what is made for them.
    more = Random(f"{seed} belongings")  # noqa: S311
    Issuer(organization, more, now, roles.admin).issue()
    form_teams(organization, more, now)
    map_groups(organization, more, now, roles.admin)
    connect_clients(organization, more, now)
    plant_oddities(organization, Random(f"{seed} oddities"), now)  # noqa: S311
    # What made the organization is longer ago than anything is kept.
    organization.trail.clear()
    return organization


def _add_own_keys(organization: Organization, owner: str, now: datetime) -> None:
    organization.add_api_key("sandbox", created_by=owner, at=now)
    whole = organization.add_application_key(owner, name="sandbox", at=now)
    whole.planted = ("unscoped_admin_key",)
    minimal = organization.add_application_key(owner, READING_SCOPES, name="sandbox minimal", at=now)
    organization.minimal_key_id = minimal.id
    writing = organization.add_application_key(owner, PROVISIONING_SCOPES, name="sandbox provisioning", at=now)
    organization.provision_key_id = writing.id


@dataclass(frozen=True, slots=True)
class _Roles:
    admin: str
    standard: str
    read_only: str
    auditor: str
    custom: Sequence[str]


def _add_roles(organization: Organization, users: int, rng: Random, now: datetime) -> _Roles:
    templates = role_templates()
    closed, sensitive = set(templates["admin_only"]), set(templates["sensitive_groups"])
    everything = [each for each in permissions() if each.name != "standard"]
    standard = [
        each.name
        for each in permissions()
        if each.name in templates["standard_extra"] or (each.group_name not in sensitive and each.name not in closed)
    ]
    reading = [each.name for each in everything if each.display_type == "read" and each.name in set(standard)]
    founded = now - timedelta(days=_AGE_DAYS)
    admin_id = organization.add_role(ADMIN, [each.name for each in everything], managed=True, at=founded).id
    standard_id = organization.add_role(STANDARD, standard, managed=True, at=founded).id
    read_only_id = organization.add_role(READ_ONLY, reading, managed=True, at=founded).id
    custom: list[str] = []
    for template in templates["custom"]:
        made = now - timedelta(days=rng.uniform(30, _AGE_DAYS))
        role = organization.add_role(template["name"], template["permissions"], at=made)
        custom += [role.id] * round(template["share"] * 50)
    auditor = organization.role(templates["auditor_role"]).id
    for number in range(min(users // 4000, 120)):
        pattern = templates["extra_names"][number // 15 % len(templates["extra_names"])]
        label = pattern.format(team=machines()["teams"][number % 15].title())
        carried = rng.sample(templates["extra_permissions"], rng.randint(2, 7))
        made = now - timedelta(days=rng.uniform(30, _AGE_DAYS))
        # Twice in the draw; names wrap round in a very large organization, as role names need not be unique.
        custom += [organization.add_role(label, carried, at=made).id] * 2
    return _Roles(admin_id, standard_id, read_only_id, auditor, custom)


class _Writer:
    """Writes account records, one after the other, from one source of randomness."""

    def __init__(self, rng: Random, cast: Cast, now: datetime, roles: _Roles) -> None:
        self._rng = rng
        self._cast = cast
        self._now = now
        self._roles = roles
        self._role_sets: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._truths: dict[Truth, Truth] = {}

    def account(self, number: int) -> User:
        """The account with this number; the first two are the administrator and the reader."""
        if number == 0:
            return self._person(founder=True)
        if number == 1:
            return self._service_account("accesssync reader", (self._roles.auditor, self._roles.admin))
        drawn = self._rng.random()
        if drawn < _SERVICE_ACCOUNTS:
            return self._service_account(None, self._draw_roles(machine=True))
        if drawn < _SERVICE_ACCOUNTS + _DISGUISED:
            return self._disguised()
        return self._person()

    def _person(self, *, founder: bool = False) -> User:
        rng, cast = self._rng, self._cast
        external = not founder and rng.random() < 0.05
        hard = not founder and rng.random() < 0.03
        domain = cast.contractor_domain() if external else cast.company
        name, email = cast.person(domain, hard=hard)
        fate = 1.0 if founder else rng.random()
        status: Status = "Disabled" if fate < 0.09 else "Pending" if fate < 0.12 else "Active"
        pending = status == "Pending"
        created = self._created(200 if pending else _AGE_DAYS)
        planted = [word for word, put in (("external", external), ("hard_case", hard)) if put]
        login = None if pending else self._login(created, planted, dormant=0.12 <= fate < 0.19)
        role_ids = (self._roles.admin,) if founder else self._draw_roles(machine=False, external=external)
        if self._roles.admin in role_ids and (status == "Disabled" or external or "dormant" in planted):
            planted.append("risky_admin")
        if pending and (self._now - created).days > 30:
            planted.append("stale_invite")
        if not role_ids:
            planted.append("no_roles")
        shown = None if pending and rng.random() < 0.6 else self._shown(name, email)
        title = cast.title() if rng.random() < 0.55 else None
        truth = self._truth(Truth("human", None, tuple(planted)) if planted else _HUMAN)
        return self._record(email, shown, title, created, login, status, role_ids, truth)

    def _shown(self, name: str, email: str) -> str | None:
        drawn = self._rng.random()
        if drawn < 0.015:
            return None
        return email if drawn < 0.03 else name

    def _login(self, created: datetime, planted: list[str], *, dormant: bool) -> datetime | None:
        rng = self._rng
        if dormant:
            planted.append("dormant")
            ago = rng.uniform(91, 900)
        elif rng.random() < 0.02:
            planted.append("never_logged_in")
            return None
        else:
            ago = rng.expovariate(1 / 6)
        return max(self._now - timedelta(days=ago), created)

    def _service_account(self, name: str | None, role_ids: tuple[str, ...]) -> User:
        shown, email = self._cast.service_account()
        status: Status = "Disabled" if name is None and self._rng.random() < 0.05 else "Active"
        truth = self._truth(Truth("nhi", "service_account"))
        created = self._created(_AGE_DAYS)
        return self._record(email, name or shown, None, created, None, status, role_ids, truth, service_account=True)

    def _disguised(self) -> User:
        rng, cast = self._rng, self._cast
        planted: tuple[str, ...] = ()
        if rng.random() < 0.12:
            name, email = cast.person(cast.company, hard=False)
            kind, shown, planted = "automation", str(name), ("bot_with_human_name",)
        else:
            kind, machine_name, email = cast.machine()
            shown = machine_name or ""
        created = self._created(_AGE_DAYS)
        login = None if rng.random() < 0.7 else max(self._now - timedelta(days=rng.uniform(200, 1500)), created)
        status: Status = "Disabled" if rng.random() < 0.05 else "Active"
        role_ids = (self._roles.admin,) if kind == "break_glass" else self._draw_roles(machine=True)
        truth = self._truth(Truth("nhi", kind, planted))
        return self._record(email, shown or None, None, created, login, status, role_ids, truth)

    def _created(self, within_days: int) -> datetime:
        # Whole seconds would hide a decoder that loses the fraction; a square root makes recent hires common.
        days = within_days * (1 - self._rng.random() ** 0.5)
        return self._now - timedelta(days=days, microseconds=int(self._rng.random() * 1e6))

    def _draw_roles(self, *, machine: bool, external: bool = False) -> tuple[str, ...]:
        rng, roles = self._rng, self._roles
        drawn = rng.random()
        if drawn < 0.012:
            return ()
        first = rng.random()
        if first < (0.09 if machine else 0.015):
            chosen = [roles.admin]
        elif first < 0.45 and not external:
            chosen = [roles.standard]
        elif first < 0.93:
            chosen = [roles.read_only]
        else:
            chosen = []
        more = 0 if drawn < 0.66 else 1 if drawn < 0.9 else 2 if drawn < 0.97 else 3
        for _ in range(max(more, 1 - len(chosen))):
            extra = roles.custom[int(rng.random() * len(roles.custom))]
            if extra not in chosen:
                chosen.append(extra)
        picked = tuple(chosen)
        return self._role_sets.setdefault(picked, picked)

    def _truth(self, truth: Truth) -> Truth:
        return self._truths.setdefault(truth, truth)

    def _record(
        self,
        email: str,
        name: str | None,
        title: str | None,
        created: datetime,
        login: datetime | None,
        status: Status,
        role_ids: tuple[str, ...],
        truth: Truth,
        *,
        service_account: bool = False,
    ) -> User:
        rng = self._rng
        user_id = random_uuid(rng)
        # A few addresses changed after the account was made; the handle keeps the first one.
        handle = f"{email.split('@', maxsplit=1)[0]}.old@{self._cast.company}" if rng.random() < 0.02 else email
        changed = created + (self._now - created) * rng.random()
        mfa = not service_account and truth.nature == "human" and rng.random() < 0.6
        return User(
            id=user_id,
            email=email,
            handle=user_id if service_account else handle,
            name=name,
            title=title,
            created_at=created,
            modified_at=changed,
            last_login_at=login,
            status=status,
            verified=service_account or status != "Pending",
            service_account=service_account,
            mfa_enabled=mfa,
            role_ids=role_ids,
            truth=truth,
        )
