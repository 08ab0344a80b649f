"""One organization at one run, as the checks see it: indexed once, so that every check is cheap.

Missing is not no. Three states are kept apart everywhere: something was seen, it was said that there is none, and
nothing was said. What nobody said raises nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property

from msgspec import UNSET, Struct

from accesssync.findings.people import People
from accesssync.findings.policy import Policy
from accesssync.findings.waiver import Waiver
from accesssync.model.change import Change
from accesssync.model.coverage import Coverage, Resource
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.role import Role
from accesssync.model.team import Mapping as AuthnMapping
from accesssync.nhi.lexicon import base_lexicon
from accesssync.nhi.organization import mfa_tells
from accesssync.reach.access import Access, can_act
from accesssync.reach.credential import Standing, effective, standing
from accesssync.trail.account import Account

ADMIN_ROLE = "Datadog Admin Role"
MANAGED = frozenset({ADMIN_ROLE, "Datadog Standard Role", "Datadog Read Only Role"})
"""The roles that Datadog made and keeps up itself."""


class Known(Struct, frozen=True, gc=False):
    """Who an identity is taken for, and who answers for it."""

    label: str
    kind: str | None
    basis: str
    score: int = 0
    reason: str | None = None
    owner: str | None = None
    purpose: str | None = None


_NOBODY = Known("unknown", None, "inferred")
_ACCOUNT = Known("nhi", "service_account", "declared")


class Use(Struct, frozen=True, gc=False):
    """When something was last used: `seen` with a time, `never`, `none_in_90d` (API keys), or `unknown`."""

    state: str
    at: datetime | None = None

    def before(self, moment: datetime) -> bool | None:
        """Whether it was last used before a moment; None where nobody knows.

        An API key of which Datadog shows no use was not used for 90 days; what was before is not known.
        """
        if self.state == "unknown":
            return None
        return self.at is None or self.at < moment


class Picture:
    """What one run knows of one organization. `at` is the time by which ages are measured.

    `coverage` says how each resource was seen; a resource that is missing there was not looked at.
    `changes` are those of the last days that anybody may have to explain, `account` what Datadog's Audit Trail says.
    """

    def __init__(
        self,
        *,
        org: str,
        at: datetime,
        access: Access,
        coverage: Mapping[Resource, Coverage],
        known: Mapping[str, Known] | None = None,
        mappings: Sequence[AuthnMapping] = (),
        changes: Sequence[Change] = (),
        own_domains: Collection[str] = (),
        domains_inferred: bool = False,
        people: People | None = None,
        policy: Policy | None = None,
        waivers: Sequence[Waiver] = (),
        account: Account | None = None,
    ) -> None:
        self.org = org
        self.at = at
        self.access = access
        self.coverage = coverage
        self.mappings = tuple(mappings)
        self.changes = tuple(changes)
        self.own_domains = frozenset(one.casefold() for one in own_domains)
        self.own_domain_list = sorted(self.own_domains)
        self.domains_inferred = domains_inferred
        self.people = people
        self.policy = policy or Policy()
        self.waivers = tuple(waivers)
        self.account = account
        self._known = known or {}
        self._held: dict[tuple[str, ...], int] = {}
        self._named: dict[tuple[int, int], list[str]] = {}
        self._roles: dict[tuple[str, ...], list[str]] = {}

    # Who

    @property
    def today(self) -> date:
        """The UTC day of the evaluation."""
        return self.at.date()

    def ago(self, days: int) -> datetime:
        """So many days before the evaluation."""
        return self.at - timedelta(days=days)

    def known(self, identity: Identity) -> Known:
        """Who an identity is taken for."""
        return self._known.get(identity.id) or (_ACCOUNT if identity.service_account else _NOBODY)

    def is_machine(self, identity: Identity) -> bool:
        """Whether an identity is declared, decided or inferred not to be a person. In doubt it is one."""
        return self.known(identity).label == "nhi" if identity.id in self._known else bool(identity.service_account)

    @cached_property
    def emergency(self) -> frozenset[str]:
        """The ids of the break-glass identities that the policy names."""
        patterns = self.policy.break_glass
        if not patterns:
            return frozenset()
        return frozenset(
            one.id
            for one in self.access.identities.values()
            if any(each.matches(text) for each in patterns for text in (one.id, one.email, one.handle) if text)
        )

    def is_emergency(self, identity: Identity) -> bool:
        """Whether an identity is there for emergencies: named so by the policy, decided or inferred to be."""
        return identity.id in self.emergency or self.known(identity).kind == "break_glass"

    @cached_property
    def active(self) -> tuple[Identity, ...]:
        """Every identity of which it is known that it can log in: neither disabled nor waiting for its invitation."""
        return tuple(one for one in self.access.identities.values() if is_active(one))

    @cached_property
    def active_people(self) -> tuple[Identity, ...]:
        """The active people: whoever is not taken for a machine or kept for emergencies."""
        return tuple(one for one in self.active if not self.is_machine(one) and not self.is_emergency(one))

    @cached_property
    def machines(self) -> tuple[Identity, ...]:
        """Every machine that is not disabled, inferred ones included."""
        return tuple(one for one in self.access.able() if self.is_machine(one))

    # What they may do

    def held(self, identity: Identity) -> int:
        """The permissions that an identity's roles carry, as one integer."""
        found = self._held.get(identity.role_ids)
        if found is None:
            found = self._held[identity.role_ids] = self.access.held(identity)
        return found

    def control(self, identity: Identity) -> bool:
        """Whether an identity holds a permission of the control plane (T0)."""
        return bool(self.held(identity) & self.access.control)

    def privileged(self, identity: Identity) -> bool:
        """Whether an identity holds a permission of T0 or T1 that ordinary colleagues do not have."""
        return bool(self.held(identity) & self.access.privileged)

    def names(self, packed: int, most: int = 12) -> list[str]:
        """A set of permissions by name, the most harmful first; more than `most` end in how many more there are.

        Whoever holds the same shares one list: it must not be changed.
        """
        found = self._named.get((packed, most))
        if found is None:
            found = self._named[packed, most] = shortened(self.access.unpack(packed), most)
        return found

    @cached_property
    def secrets(self) -> int:
        """The privileged permissions of T0 and of T1a, the secrets."""
        names = [name for name in self.access.known_names() if self.access.tier(name) in {"T0", "T1a"}]
        return self.access.pack(names) & self.access.privileged

    @cached_property
    def admin_ids(self) -> frozenset[str]:
        """The ids of the administrator role."""
        return frozenset(role.id for role in self.access.roles.values() if role.name == ADMIN_ROLE)

    def is_admin(self, identity: Identity) -> bool:
        """Whether an identity holds the administrator role itself."""
        return not self.admin_ids.isdisjoint(identity.role_ids)

    @cached_property
    def custom_roles(self) -> tuple[Role, ...]:
        """The roles that are the organization's own."""
        return tuple(role for role in self.access.roles.values() if role.name not in MANAGED)

    @cached_property
    def holders(self) -> Mapping[str, int]:
        """How many identities that are not disabled hold each role."""
        counts: Counter[str] = Counter()
        for one in self.access.able():
            counts.update(one.role_ids)
        return counts

    def role_names(self, identity: Identity) -> list[str]:
        """The roles of an identity by name. Whoever holds the same shares one list: it must not be changed."""
        found = self._roles.get(identity.role_ids)
        if found is None:
            roles = self.access.roles
            found = sorted(roles[one].subject if one in roles else one for one in identity.role_ids)
            self._roles[identity.role_ids] = found
        return found

    # When

    def login(self, identity: Identity) -> Use:
        """When somebody last logged in."""
        if identity.last_login_at is UNSET:
            return Use("unknown")
        return Use("never") if identity.last_login_at is None else Use("seen", identity.last_login_at)

    def use(self, credential: Credential) -> Use:
        """When a credential was last used."""
        if credential.last_used_at is UNSET or "last_used_at" in credential.malformed:
            return Use("unknown")
        if credential.last_used_at is None:
            return Use("none_in_90d" if credential.type == CredentialType.API_KEY else "never")
        return Use("seen", credential.last_used_at)

    def key_used_since(self, identity: Identity, moment: datetime) -> bool | None:
        """Whether a key or token of somebody was used since a moment; None where that is not known of all of them."""
        answer: bool | None = False
        for one in self.access.owned_by(identity.id):
            used = self.use(one).before(moment)
            if used is False:
                return True
            if used is None:
                answer = None
        if answer is False and not self.keys_covered:
            return None
        return answer

    @cached_property
    def keys_covered(self) -> bool:
        """Whether application keys and tokens were seen, so that having none means something."""
        return self.proven(Resource.APPLICATION_KEYS) and self.proven(Resource.ACCESS_TOKENS)

    def proven(self, resource: Resource) -> bool:
        """Whether this run proved a listing complete."""
        found = self.coverage.get(resource)
        return found is not None and found.proven

    # Credentials

    @cached_property
    def _standings(self) -> Mapping[tuple[str, str], Standing]:
        return {(one.type, one.id): standing(self.access, one)[0] for one in self.access.credentials}

    def works(self, credential: Credential) -> bool | None:
        """Whether a credential works now; None where nobody can say."""
        found = self._standings[credential.type, credential.id]
        return None if found is Standing.UNKNOWN else found is Standing.WORKS

    def effective(self, credential: Credential) -> int:
        """What a credential can do now."""
        return effective(self.access, credential)

    def owner(self, credential: Credential) -> Identity | None:
        """Whom a credential acts as, where it is listed."""
        return self.access.identities.get(credential.owner_id or "")

    def of_type(self, *types: CredentialType) -> Iterator[Credential]:
        """The credentials of some types."""
        return (one for one in self.access.credentials if one.type in types)

    # Domains and second factors

    @cached_property
    def free_mail(self) -> frozenset[str]:
        """The domains that give addresses to anybody."""
        return base_lexicon().lists["free_mail"]

    def is_own(self, domain: str) -> bool:
        """Whether a domain, or one that it is part of, is the organization's."""
        return any(domain == own or domain.endswith(f".{own}") for own in self.own_domains)

    @cached_property
    def mfa_blind(self) -> str | None:
        """Why a missing second factor says nothing here; None where it does.

        Datadog does not see the second factor of an identity provider: whoever logs in through one looks as if
        there were none. Saying `login: password` in the policy states that nobody does.
        """
        if self.policy.login == "password":
            return None
        if self.policy.login == "sso":
            return "the policy says that people log in through an identity provider, whose second factor is not visible"
        if self.mappings:
            return (
                "SAML mappings say that people log in through an identity provider, whose second factor is not "
                "visible; login: password in policy.yaml says otherwise"
            )
        flags = [one.mfa_enabled for one in self.active_people if one.mfa_enabled is not None]
        if not flags:
            return "Datadog says of nobody whether there is a second factor"
        if not mfa_tells(sum(not one for one in flags), len(flags)):
            return (
                "almost nobody has a second factor in Datadog, so it is probably asked for elsewhere; "
                "login: password in policy.yaml says otherwise"
            )
        return None

    # Changes

    def changed(self, kind: str, days: int) -> Iterator[Change]:
        """The changes of a kind that the organization made in the last days and that nobody explained."""
        since = self.ago(days)
        return (
            one for one in self.changes if one.kind == kind and one.explanation is None and one.observed_before >= since
        )

    @cached_property
    def members(self) -> Mapping[str, list[str]]:
        """The teams of which each identity is an admin, by the identity's id."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self.access.memberships:
            if one.role == "admin":
                found[one.user_id].append(one.team_id)
        return found


def is_active(identity: Identity) -> bool:
    """Whether it is known that somebody can log in. An unknown status is not active: missing is not yes."""
    return can_act(identity) and (identity.status or "").casefold() == "active"


def is_pending(identity: Identity) -> bool:
    """Whether somebody was invited and never came."""
    return can_act(identity) and (identity.status or "").casefold() == "pending"


def domain_of(identity: Identity) -> str | None:
    """The domain of an e-mail address, in lower case."""
    local, at, domain = (identity.email or "").rpartition("@")
    return domain.casefold().rstrip(".") or None if at and local else None


def moment_text(moment: datetime | None) -> str | None:
    """A time as evidence has it."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def day_text(moment: datetime | None) -> str | None:
    """The UTC day of something that goes on: evidence does not have to be written anew with every use."""
    return None if moment is None else moment.date().isoformat()


def shortened(names: Iterable[str], most: int = 12) -> list[str]:
    """The first names and how many more there are."""
    listed = list(names)
    return listed if len(listed) <= most else [*listed[:most], f"and {len(listed) - most} more"]
