"""Organizations, files and terms for tests of provisioning."""

from base64 import b64encode
from datetime import datetime
from typing import Any

from accesssync.model.identity import Identity
from accesssync.model.operation import PROVISIONING
from accesssync.model.role import Role
from accesssync.parse.problems import Problems
from accesssync.provision.access_file import read_draft, resolve
from accesssync.provision.assemble import Terms, assemble
from accesssync.provision.decide import decide
from accesssync.provision.desired import Desired
from accesssync.provision.gateway import Caller
from accesssync.provision.guards import Limits
from accesssync.provision.organization import Organization
from accesssync.provision.plan import Plan
from accesssync.provision.policy import Policy
from tests.builders import NOW, identity

ADMIN, STANDARD, READ = "role-admin", "role-standard", "role-read"
ROLES = {
    ADMIN: Role(id=ADMIN, name="Datadog Admin Role"),
    STANDARD: Role(id=STANDARD, name="Datadog Standard Role"),
    READ: Role(id=READ, name="Datadog Read Only Role"),
}
SCOPES = frozenset({"user_access_read", "user_access_invite", "user_access_manage", "service_account_write"})
CALLER = Caller(
    user_id="caller", subject="caller@example.com", org_id=None, key_id="key", scopes=SCOPES, scopes_known=True
)
ALLOWED = Policy(allowed=frozenset(PROVISIONING))


def person(called: str, *roles: str, **facts: Any) -> Identity:
    """Somebody known as `called`, with id, address and handle made of it."""
    usual = {"id": called, "email": f"{called}@example.com", "handle": f"{called}@example.com", "name": called.title()}
    return identity(1, **{**usual, "role_ids": tuple(sorted(roles)), **facts})


def organization(*users: Identity, **facts: Any) -> Organization:
    """An organization of these users, with the three built-in roles and all listings proven."""
    usual: dict[str, Any] = {
        "name": "acme",
        "datadog_id": "org-1",
        "run_id": 7,
        "seen_at": NOW,
        "users": {one.id: one for one in users},
        "roles": ROLES,
        "privileged": frozenset({ADMIN}),
        "admin_roles": frozenset({ADMIN}),
    }
    return Organization(**{**usual, **facts})


def crowd(count: int, *roles: str) -> list[Identity]:
    """People who are there so that an organization is not small."""
    return [person(f"crowd{number:04}x", *(roles or (STANDARD,))) for number in range(count)]


def desired(text: str, org: Organization, name: str = "access.yaml") -> Desired:
    """A file's wish; fails where the file has a problem."""
    problems = Problems()
    draft = read_draft(text.encode(), name, problems)
    found = resolve(draft, org.name, org.roles.values())
    problems.raise_any()
    return found


def wish(*lines: str, mode: str = "additive") -> str:
    """A YAML file of these lines below the head."""
    return "\n".join(["version: 1", "org: acme", f"mode: {mode}", *lines]) + "\n"


def terms(**facts: Any) -> Terms:
    """Terms under which everything is allowed and nothing was spent."""
    return Terms(**{"policy": ALLOWED, "limits": Limits(), "caller": CALLER, "has_key": True, **facts})


def plan(text: str, org: Organization, now: datetime = NOW, *, name: str = "access.yaml", **facts: Any) -> Plan:
    """The plan of a file."""
    wanted = desired(text, org, name)
    return assemble(decide(wanted, org, now), org, terms(**facts), desired=wanted, author="ada", now=now)


def brief(made: Plan) -> list[tuple[str, str]]:
    """The operations of a plan with their subjects, in order."""
    return [(one.operation.value, one.subject) for one in made.actions]


def rules(made: Plan) -> set[str]:
    """The rules that stand against a plan."""
    return {one.rule for one in made.refusals}


def public_half(private_key: bytes) -> str:
    """The public half of a key in PEM form, as the settings list it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    public = load_pem_private_key(private_key, None).public_key()
    return b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
