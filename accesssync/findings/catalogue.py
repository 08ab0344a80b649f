"""Every check there is, and those there are not."""

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b

from msgspec import json

from accesssync.findings.check import Check
from accesssync.findings.checks.credentials import CREDENTIALS
from accesssync.findings.checks.duties import DUTIES, check_of
from accesssync.findings.checks.identities import IDENTITIES
from accesssync.findings.checks.leavers import LEAVERS
from accesssync.findings.checks.machines import MACHINES
from accesssync.findings.checks.privilege import PRIVILEGE
from accesssync.findings.checks.roles import ROLES
from accesssync.findings.checks.surroundings import SURROUNDINGS
from accesssync.findings.checks.trail import TRAIL
from accesssync.findings.policy import Policy
from accesssync.findings.separation import Group, controls

ALL: tuple[Check, ...] = tuple(
    sorted(
        (*IDENTITIES, *LEAVERS, *PRIVILEGE, *DUTIES, *ROLES, *MACHINES, *CREDENTIALS, *SURROUNDINGS, *TRAIL),
        key=lambda one: one.id,
    )
)
"""The checks, by id."""

BY_ID: Mapping[str, Check] = {one.id: one for one in ALL}

NOT_EVIDENCED: Mapping[str, str] = {
    "login methods of single users": "Datadog's API shows them in no listing",
    "teams that anybody may join": "the setting is not part of the inventory",
    "the allowlist of notification domains": "it limits mail, not who may log in, and is not part of the inventory",
    "password rules and enforced SSO": "Datadog's API does not show them",
    "more power than the reader needs": "accesssync check says it of the keys that are in use",
    "custom roles without an owner": "owners.yaml declares owners of identities and credentials, not of roles",
    "who was reviewed when": "needs access reviews, of which none are recorded",
}
"""What people ask for and no check says, with the reason."""


def references(check: Check) -> dict[str, list[str]]:
    """The controls that a finding is evidence for, by framework."""
    known = controls()
    found: dict[str, list[str]] = {}
    for name in check.controls:
        for framework, ids in known.groups[name].references(known.frameworks):
            found.setdefault(framework, [])
            found[framework] += [one for one in ids if one not in found[framework]]
    return found


def checks_for(policy: Policy) -> tuple[Check, ...]:
    """Every check of an organization, its own separations of duties included, those that are off as well."""
    return (*ALL, *(check_of(rule) for rule in policy.rules))


@cache
def ruleset() -> str:
    """The version of the checks: it changes with what any of them says or does by its parameters."""
    content = [
        (one.id, one.version, one.severity, one.when, one.logic, one.same, one.defaults(), [str(r) for r in one.needs])
        for one in ALL
    ]
    return f"1-{blake2b(json.encode(content, order='deterministic'), digest_size=6).hexdigest()}"


def group(name: str) -> Group:
    """A group of controls by its name."""
    return controls().groups[name]
