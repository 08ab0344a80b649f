"""Change the organization behind our back, and write down what was done as it ought to be reported."""

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

from msgspec import Struct

from accesssync.model.change import Change, FieldValue
from accesssync.sandbox import Organization, Permission, Role, User
from accesssync.sandbox.generate import ADMIN, READ_ONLY, STANDARD

Difference = tuple[str, FieldValue, FieldValue]

_TELLING = {"identity": "email", "grant": "role", "role": "name", "role_permission": "permission"}
"""Of what comes or goes, the one field that tells which it was."""

DANGEROUS = "user_access_manage"
"""A permission with which one can give oneself any other."""

ERASING = "\x1b[1A\x1b[2K"
"""What a terminal takes for: go up one line and erase it."""


class Made(Struct, frozen=True):
    """One change as it has to be reported: its kind, whose it is, and which fields became what."""

    kind: str
    subject_id: str
    differences: tuple[Difference, ...]


class Comparison(Struct, frozen=True):
    """Changes made against changes reported."""

    made: int
    found: int
    missed: int
    invented: int

    @property
    def exact(self) -> bool:
        """Nothing missed, nothing invented."""
        return not self.missed and not self.invented


def compare(made: Iterable[Made], reported: Iterable[Change]) -> Comparison:
    """Match what was done with what was reported, one by one."""
    wanted, seen = Counter(made), Counter(map(as_made, reported))
    return Comparison(wanted.total(), (wanted & seen).total(), (wanted - seen).total(), (seen - wanted).total())


def as_made(change: Change) -> Made:
    """A reported change in the form in which changes are written down here."""
    noun, _, verb = change.kind.rpartition(".")
    names = sorted(change.fields) if verb == "updated" else [_TELLING.get(noun, "")]
    parts = tuple((name, *change.fields[name]) for name in names if name in change.fields)
    return Made(change.kind, change.subject_id, parts)


def meddle(organization: Organization, reader: str, rng: Random) -> list[Made]:
    """Make every change of STEPS that this organization has somebody for; never to `reader`, who owns our key."""
    meddler = _Meddler(organization, reader, rng)
    return [made for step in STEPS for made in step(meddler)]


class _Meddler:
    """Picks whom to change; nobody is picked twice."""

    def __init__(self, organization: Organization, reader: str, rng: Random) -> None:
        self.organization = organization
        self._users = [user for user in organization.users.values() if user.id != reader]
        self._roles = [role for role in organization.roles.values() if not role.managed]
        rng.shuffle(self._users)
        rng.shuffle(self._roles)
        self.admin, self.standard, self.read_only = (organization.role(name) for name in (ADMIN, STANDARD, READ_ONLY))

    def user(self, fits: Callable[[User], bool]) -> list[User]:
        """Somebody who fits, or nobody."""
        found = next((user for user in self._users if fits(user)), None)
        if found is None:
            return []
        self._users.remove(found)
        return [found]

    def person(self, fits: Callable[[User], bool] = lambda _user: True) -> list[User]:
        """An active person."""
        return self.user(lambda user: user.status == "Active" and not user.service_account and fits(user))

    def role(self, fits: Callable[[Role], object] = lambda _role: True) -> list[Role]:
        """A role that Datadog did not make."""
        found = next((role for role in self._roles if fits(role)), None)
        if found is None:
            return []
        self._roles.remove(found)
        return [found]

    def held(self, role: Role) -> list[Permission]:
        """What the role carries, less what Datadog adds to every role by itself."""
        carried = [self.organization.permissions[each] for each in role.permission_ids]
        return [permission for permission in carried if not permission.restricted]


def _rename_role(at: _Meddler) -> Iterable[Made]:
    for role in at.role():
        old, new = role.name, f"{role.name} (old)"
        at.organization.rename_role(role.id, new)
        yield Made("role.updated", role.id, (("name", old, new),))


def _widen_role(at: _Meddler) -> Iterable[Made]:
    added = at.organization.permission(DANGEROUS)
    for role in at.role(lambda role: added.id not in role.permission_ids):
        at.organization.grant_permission(role.id, added.id)
        yield Made("role_permission.added", role.id, (("permission", None, added.name),))


def _narrow_role(at: _Meddler) -> Iterable[Made]:
    for role in at.role(at.held):
        taken = at.held(role)[0]
        at.organization.revoke_permission(role.id, taken.id)
        yield Made("role_permission.removed", role.id, (("permission", taken.name, None),))


def _promote_person(at: _Meddler) -> Iterable[Made]:
    for user in at.person(lambda user: at.admin.id not in user.role_ids):
        at.organization.grant_role(user.id, ADMIN)
        yield Made("grant.added", user.id, (("role", None, ADMIN),))


def _promote_machine(at: _Meddler) -> Iterable[Made]:
    for user in at.user(lambda user: user.service_account and at.admin.id not in user.role_ids):
        at.organization.grant_role(user.id, ADMIN)
        yield Made("grant.added", user.id, (("role", None, ADMIN),))


def _take_role(at: _Meddler) -> Iterable[Made]:
    for user in at.person(lambda user: len(user.role_ids) > 1):
        role = at.organization.roles[user.role_ids[-1]]
        at.organization.revoke_role(user.id, role.id)
        yield Made("grant.removed", user.id, (("role", role.name, None),))


def _disable(at: _Meddler) -> Iterable[Made]:
    for user in at.person():
        at.organization.disable(user.id)
        yield Made("identity.updated", user.id, (("disabled", False, True), ("status", "Active", "Disabled")))


def _enable(at: _Meddler) -> Iterable[Made]:
    for user in at.user(lambda user: user.disabled):
        at.organization.enable(user.id)
        yield Made("identity.updated", user.id, (("disabled", True, False), ("status", "Disabled", user.status)))


def _rename(at: _Meddler) -> Iterable[Made]:
    for user in at.person(lambda user: user.name is not None):
        old, new = user.name, f"{user.name}{ERASING}"
        at.organization.rename(user.id, new)
        yield Made("identity.updated", user.id, (("name", old, new),))


def _move_mail(at: _Meddler) -> Iterable[Made]:
    for user in at.person():
        old, new = user.email, f"{user.email.partition('@')[0]}@elsewhere.example"
        at.organization.change_email(user.id, new)
        yield Made("identity.updated", user.id, (("email", old, new),))


def _hire(at: _Meddler) -> Iterable[Made]:
    email = f"new.colleague@{at.organization.domain}"
    user = at.organization.add_user(email, name="New Colleague", roles=[READ_ONLY])
    yield Made("identity.added", user.id, (("email", None, email),))
    yield Made("grant.added", user.id, (("role", None, READ_ONLY),))


def _plant_machine(at: _Meddler) -> Iterable[Made]:
    email = f"nightly-export@{at.organization.domain}"
    user = at.organization.add_user(email, name="nightly-export", roles=[STANDARD], service_account=True)
    yield Made("identity.added", user.id, (("email", None, email),))
    yield Made("grant.added", user.id, (("role", None, STANDARD),))


STEPS: tuple[Callable[[_Meddler], Iterable[Made]], ...] = (
    _rename_role,
    _widen_role,
    _narrow_role,
    _promote_person,
    _promote_machine,
    _take_role,
    _disable,
    _enable,
    _rename,
    _move_mail,
    _hire,
    _plant_machine,
)
"""What can be done to an organization. Roles first: what is granted later is reported under their new names."""
