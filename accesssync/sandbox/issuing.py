"""Invent keys, tokens and their use for the accounts of an organization.

What is wrong with a record is written into `planted` when the record is made, from these words:
unscoped_admin_key, over_broad_vendor_key, empty_scopes, dead_scope (the owner does not hold it),
sleeping_scope (a privileged one that comes alive if the owner is promoted), orphan_key and orphan_token
(the owner is disabled), dangling_owner (the owner is gone), never_used_key, unused_key, old_key, leaked,
key_without_login (a machine's, in use while the account's login sleeps); for API keys unused_90_days and
made_by_leaver; for tokens expires_soon, expired and no_expiry.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Literal

from accesssync.sandbox.credentials import ApiKey, AppKey, Leak, Scopes, Token
from accesssync.sandbox.datafiles import credentials, machines
from accesssync.sandbox.directory import random_uuid
from accesssync.sandbox.keyring import public_portion
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.records import User

_PEOPLE_WITH_KEYS = 0.045
_DAY = timedelta(days=1)
_OLD = 365 * _DAY
_IDLE = 90 * _DAY
_NEW = 30 * _DAY
_SOON = 14 * _DAY
_QUIET_KINDS = {"break_glass": 0.0, "shared_mailbox": 0.35}
_ACTING_KINDS = 0.9

Habit = Literal["automatic", "by hand"]
Names = Literal["personal", "automation", "vendors", "api_keys"]


class Issuer:
    """Issues credentials to every account of one organization, from one source of randomness."""

    def __init__(self, organization: Organization, rng: Random, now: datetime, admin_role: str) -> None:
        self._organization = organization
        self._rng = rng
        self._now = now
        self._admin_role = admin_role
        self._source = credentials()
        self._users = list(organization.users.values())
        self._held: dict[tuple[str, ...], frozenset[str]] = {}

    def issue(self) -> None:
        """Application keys, then API keys, then tokens."""
        for user in self._users:
            for _ in range(self._how_many_keys(user)):
                self._organization.place_app_key(self._key_of(user))
        self._plant_keys()
        self._issue_api_keys()
        self._issue_tokens()

    def _how_many_keys(self, user: User) -> int:
        rng = self._rng
        drawn = rng.random()
        human = user.truth.kind is None
        if user.status == "Pending" or (human and user.last_login_at is None):
            # Only who has been there can have made a key.
            return 0
        if user.service_account:
            return 1 if drawn < 0.62 else 2 if drawn < 0.9 else 3
        if human:
            return 0 if drawn >= _PEOPLE_WITH_KEYS else 1 if drawn < 0.8 * _PEOPLE_WITH_KEYS else rng.randint(2, 4)
        if "bot_with_human_name" in user.truth.planted:
            # Nothing but its keys gives it away.
            return rng.randint(3, 4)
        return rng.randint(1, 3) if drawn < _QUIET_KINDS.get(user.truth.kind or "", _ACTING_KINDS) else 0

    def _key_of(self, user: User) -> AppKey:
        machine = user.truth.nature == "nhi"
        vendor = machine and self._rng.random() < 0.06
        kind: Names = "vendors" if vendor else "automation" if machine or self._rng.random() < 0.1 else "personal"
        return self._key(user, self._name(kind), self._scopes(user), vendor=vendor)

    def _key(
        self,
        user: User,
        name: str,
        scopes: tuple[Scopes | None, str | None],
        *,
        vendor: bool = False,
        leaked: bool = False,
    ) -> AppKey:
        rng, admin = self._rng, self._admin_role in user.role_ids
        habit: Habit = "automatic" if user.truth.nature == "nhi" else "by hand"
        # Nobody makes a key by hand after having been there for the last time.
        until = self._now if habit == "automatic" else user.last_login_at or self._now
        created = self._issued(user.created_at, until)
        used = self._last_use(user, created, habit)
        allowed, flaw = scopes
        words = [flaw] if flaw else []
        if allowed is None and admin:
            words.append("over_broad_vendor_key" if vendor else "unscoped_admin_key")
        words += self._wear(created, used)
        if user.disabled:
            words.append("orphan_key")
        if habit == "automatic" and not user.service_account and used and self._now - used < _NEW:
            words.append("key_without_login")
        leak = self._leak(created) if leaked or rng.random() < 0.003 else None
        secret = f"{rng.getrandbits(160):040x}"
        key_id = random_uuid(rng)
        planted = tuple(words) if leak is None else (*words, "leaked")
        return AppKey(key_id, name, secret, user.id, allowed, created, used, leak, planted)

    def _name(self, kind: Names) -> str:
        place, names = machines(), self._source[kind]
        pattern = names[int(self._rng.random() * len(names))]
        if "{" not in pattern:
            return pattern
        return pattern.format(team=self._rng.choice(place["teams"]), env=self._rng.choice(place["environments"]))

    def _issued(self, since: datetime, until: datetime) -> datetime:
        # Most keys are young; some are as old as their owner.
        span = until - since
        if self._rng.random() >= 0.12:
            span = min(span, timedelta(days=self._rng.expovariate(1 / 120)))
        return until - span * self._rng.uniform(0.6, 1.0)

    def _last_use(self, user: User, created: datetime, habit: Habit) -> datetime | None:
        rng, drawn = self._rng, self._rng.random()
        if drawn < (0.02 if habit == "automatic" and not user.service_account else 0.09):
            return None
        if user.disabled:
            ago = rng.uniform(20, 500)
        elif habit == "automatic":
            ago = rng.uniform(100, 500) if drawn > 0.96 else rng.expovariate(2)
        else:
            # People's keys are used while they are there.
            there = user.last_login_at or created
            ago = (self._now - there) / _DAY + rng.expovariate(1 / 25)
        return max(self._now - timedelta(days=ago), created)

    def _wear(self, created: datetime, used: datetime | None) -> list[str]:
        words: list[str] = []
        if self._now - created > _OLD:
            words.append("old_key")
        if used is None:
            words += ["never_used_key"] if self._now - created > _NEW else []
        elif self._now - used > _IDLE:
            words.append("unused_key")
        return words

    def _leak(self, created: datetime) -> Leak:
        at = self._now - (self._now - created) * self._rng.random()
        return Leak(random_uuid(self._rng), at, self._rng.choice(("GitHub", "npm", "Docker Hub")))

    def _scopes(self, user: User) -> tuple[Scopes | None, str | None]:
        drawn = self._rng.random()
        if drawn < 0.5:
            return None, None
        if drawn < 0.512:
            return (), "empty_scopes"
        live = self._live_scopes(user)
        if drawn < 0.56:
            return self._with_lacking(user, live, privileged=False)
        if drawn < 0.59:
            return self._with_lacking(user, live, privileged=True)
        return live, None

    def _live_scopes(self, user: User) -> Scopes:
        held, scopes = self._permissions(user), self._source["scopes"]
        catalogue = self._organization.permissions_by_name
        usable = [
            each
            for each in (*scopes["reading"], *(scopes["writing"] if self._rng.random() < 0.5 else ()))
            if each in held or each not in catalogue
        ]
        return tuple(self._rng.sample(usable, min(len(usable), self._rng.randint(1, 5))))

    def _with_lacking(self, user: User, live: Scopes, *, privileged: bool) -> tuple[Scopes, str | None]:
        scopes, held = self._source["scopes"], self._permissions(user)
        lacking = [each for each in scopes["privileged" if privileged else "writing"] if each not in held]
        if not lacking:
            return live, None
        return (*live, self._rng.choice(lacking)), "sleeping_scope" if privileged else "dead_scope"

    def _permissions(self, user: User) -> frozenset[str]:
        held = self._held.get(user.role_ids)
        if held is None:
            held = self._held[user.role_ids] = self._organization.permission_names(user)
        return held

    def _plant_keys(self) -> None:
        # Whatever chance left out: from fifty accounts on, each of these is there.
        if len(self._users) < 50:
            return
        organization, rng = self._organization, self._rng
        working = [each for each in self._users if each.status == "Active" and each.truth.kind != "break_glass"]
        admins = [each for each in working if self._admin_role in each.role_ids]
        others = [each for each in working if self._admin_role not in each.role_ids and each.last_login_at]
        for _ in range(max(1, len(self._users) // 3000)):
            admin, other = rng.choice(admins), rng.choice(others)
            place = organization.place_app_key
            place(self._key(admin, self._name("vendors"), (None, None), vendor=True))
            for privileged in (True, False):
                scopes = self._with_lacking(other, self._live_scopes(other), privileged=privileged)
                place(self._key(other, self._name("personal"), scopes))
            place(self._key(other, self._name("personal"), ((), "empty_scopes")))
            place(self._key(other, self._name("personal"), self._scopes(other), leaked=True))
            orphan = self._key(other, self._name("personal"), (None, None))
            orphan.owner_id, orphan.planted = random_uuid(rng), (*orphan.planted, "dangling_owner")
            place(orphan)

    def _issue_api_keys(self) -> None:
        organization, rng, now = self._organization, self._rng, self._now
        makers = [each for each in self._users if self._admin_role in each.role_ids and not each.service_account]
        wanted = min(180, 10 + len(self._users) // 50)
        while len(organization.api_keys) < wanted:
            maker = makers[int(rng.random() * len(makers))]
            created = now - (now - maker.created_at) * rng.random()
            drawn = rng.random()
            ago = rng.uniform(0, 0.9) if drawn < 0.78 else rng.uniform(1, 80) if drawn < 0.87 else rng.uniform(91, 400)
            used = None if drawn > 0.96 else max(now - timedelta(days=ago), created)
            changer = rng.choice(makers) if rng.random() < 0.2 else None
            changed = created + (now - created) * rng.random() if changer else created
            leak = self._leak(created) if rng.random() < 0.01 else None
            words = [
                word
                for word, true in (
                    ("unused_90_days", used is None or now - used > _IDLE),
                    ("old_key", now - created > _OLD),
                    ("made_by_leaver", maker.disabled),
                    ("leaked", leak is not None),
                )
                if true
            ]
            key = ApiKey(
                random_uuid(rng),
                self._name("api_keys"),
                f"{rng.getrandbits(128):032x}",
                created,
                maker.id,
                changed,
                changer.id if changer else None,
                used,
                rng.random() < 0.7,
                leak,
                tuple(words),
            )
            organization.place_api_key(key)

    def _issue_tokens(self) -> None:
        rng = self._rng
        services = [each for each in self._users if each.service_account]
        people = [each for each in self._users if not each.service_account and each.status != "Pending"]
        for number in range(max(min(3, len(self._users)), round(len(self._users) * 0.03))):
            service = bool(services) and (number % 2 == 0 or not people)
            owner = rng.choice(services if service else people)
            self._organization.place_token(self._token(owner, number))

    def _token(self, owner: User, number: int) -> Token:
        rng, now, service = self._rng, self._now, owner.service_account
        life = timedelta(days=rng.choice((30, 90, 180, 365)))
        created = max(now - life * rng.uniform(0.02, 1.05), owner.created_at)
        # So that even a few tokens hold some that are about to expire.
        if number // 2 == 1:
            created = max(now - life + timedelta(days=rng.uniform(1, 12)), owner.created_at)
        expires = None if service and (number % 4 == 0 or rng.random() < 0.3) else created + life
        idle = rng.random()
        used = None if idle < 0.08 else max(now - timedelta(days=rng.expovariate(1 / 3)), created)
        if used and expires:
            used = min(used, expires)
        leak = self._leak(created) if number == 5 or rng.random() < 0.005 else None
        words = [
            word
            for word, true in (
                ("no_expiry", expires is None),
                ("expired", expires is not None and expires <= now),
                ("expires_soon", expires is not None and now < expires <= now + _SOON),
                ("orphan_token", owner.disabled),
                ("leaked", leak is not None),
            )
            if true
        ]
        name = self._name("automation" if service else "personal")
        return Token(
            random_uuid(rng),
            name,
            "service_access_tokens" if service else "personal_access_tokens",
            owner.id,
            public_portion(rng, service=service),
            self._live_scopes(owner),
            created,
            expires,
            used,
            leak,
            tuple(words),
        )
