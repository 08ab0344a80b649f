"""What an organization says about its own checks: policy.yaml."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from accesssync.findings.check import Check
from accesssync.findings.separation import Rule
from accesssync.findings.severity import SEVERITIES, Severity
from accesssync.parse.fields import Fields, yaml_fields
from accesssync.parse.glob import Glob
from accesssync.parse.problems import Problems, did_you_mean, shown
from accesssync.reach.tier import known_tiers

Login = Literal["unknown", "sso", "password"]
_LOGINS: tuple[Login, ...] = ("unknown", "sso", "password")
_MOST_RULES = 200


class CheckPolicy(Struct, frozen=True, kw_only=True):
    """What is said about one check. `parameters` holds only those that are changed."""

    off: bool = False
    reason: str | None = None
    severity: Severity | None = None
    parameters: Mapping[str, int] = {}


class Policy(Struct, frozen=True, kw_only=True):
    """The policy of one organization; an empty one changes nothing.

    `login` is how people log in, where that is known. `protected` identities are never to be changed by a plan.
    `tiers` maps permissions to the organization's own view of them; `rules` are its own separations of duties.
    """

    checks: Mapping[str, CheckPolicy] = {}
    login: Login = "unknown"
    own_domains: tuple[str, ...] = ()
    break_glass: tuple[Glob, ...] = ()
    protected: tuple[Glob, ...] = ()
    tiers: Mapping[str, str] = {}
    rules: tuple[Rule, ...] = ()
    people_max_age_days: int = 7

    def of(self, check_id: str) -> CheckPolicy:
        """What is said about a check; nothing where it is not named."""
        return self.checks.get(check_id) or CheckPolicy()


class PolicyFile(Struct, frozen=True, kw_only=True):
    """The policy of everybody, and what single organizations change in it."""

    everybody: Policy = Policy()
    organizations: Mapping[str, Policy] = {}

    def of(self, org: str) -> Policy:
        """The policy of one organization: its own word goes before everybody's, check by check."""
        own = self.organizations.get(org)
        if own is None:
            return self.everybody
        common = self.everybody
        return replace(
            common,
            checks={**common.checks, **{one: _merged(common.of(one), own.of(one)) for one in own.checks}},
            login=own.login if own.login != "unknown" else common.login,
            own_domains=own.own_domains or common.own_domains,
            break_glass=(*common.break_glass, *own.break_glass),
            protected=(*common.protected, *own.protected),
            tiers={**common.tiers, **own.tiers},
            rules=(*common.rules, *own.rules),
            people_max_age_days=own.people_max_age_days,
        )


def _merged(common: CheckPolicy, own: CheckPolicy) -> CheckPolicy:
    return CheckPolicy(
        off=own.off,
        reason=own.reason or common.reason,
        severity=own.severity or common.severity,
        parameters={**common.parameters, **own.parameters},
    )


def read_policy(content: bytes, file: str, problems: Problems, catalogue: Mapping[str, Check]) -> PolicyFile:
    """The policy of a file. What is wrong with it is noted by line; then the answer is of no use."""
    fields = yaml_fields(content, file, problems)
    fields.integer("version", 1, 1)
    rules: dict[str, Rule] = {}
    everybody = _policy(fields, catalogue, rules, Policy())
    organizations = {
        name.casefold(): _policy(inner, catalogue, dict(rules), everybody)
        for name, inner in fields.named("organizations")
    }
    return PolicyFile(everybody=everybody, organizations=organizations)


def _policy(fields: Fields, catalogue: Mapping[str, Check], rules: dict[str, Rule], common: Policy) -> Policy:
    own_rules = _rules(fields, catalogue, rules)
    people = fields.record("people")
    age = people.optional_integer("max_age_days", 1, 365) if people else None
    return Policy(
        checks=_checks(fields, catalogue, rules),
        login=fields.optional_choice("login", _LOGINS) or "unknown",
        own_domains=tuple(one.casefold() for one in fields.optional_texts("own_domains")),
        break_glass=_patterns(fields, "break_glass"),
        protected=_patterns(fields, "protected"),
        tiers=_tiers(fields),
        rules=own_rules,
        people_max_age_days=age or common.people_max_age_days,
    )


def _checks(fields: Fields, catalogue: Mapping[str, Check], rules: Mapping[str, Rule]) -> dict[str, CheckPolicy]:
    said = {}
    for name, inner in fields.named("checks"):
        check = catalogue.get(name)
        if check is None and name not in rules:
            fields.fault("checks", f"there is no check {shown(name)}{did_you_mean(name, catalogue)}")
            inner.pass_over()
            continue
        off = inner.flag("off", False)
        parameters = {}
        for one in check.parameters if check else ():
            value = inner.optional_integer(one.name, one.least, one.most)
            if value is not None:
                parameters[one.name] = value
        reason = inner.optional_text("reason")
        if off and not reason:
            inner.fault("off", f"say with reason: why {name} is off")
        severity = inner.optional_choice("severity", SEVERITIES)
        said[name] = CheckPolicy(off=off, reason=reason, severity=severity, parameters=parameters)
    return said


def _patterns(fields: Fields, key: str) -> tuple[Glob, ...]:
    found = fields.optional_globs(key)
    for one in found:
        if not one.text.strip("*?@."):
            fields.fault(key, f"{shown(one.text)} would match everybody")
    return found


def _tiers(fields: Fields) -> dict[str, str]:
    inner = fields.record("tiers")
    if inner is None:
        return {}
    return {name: inner.choice(name, known_tiers()) for name in inner.keys()}  # noqa: SIM118 - it is no mapping


def _rules(fields: Fields, catalogue: Mapping[str, Check], rules: dict[str, Rule]) -> tuple[Rule, ...]:
    found = []
    for inner in fields.records("separation"):
        rule_id = inner.text("id", 40)
        sides = [inner.texts("a"), inner.texts("b"), inner.optional_texts("c")]
        rule = Rule(
            id=rule_id,
            title=inner.text("title", 120),
            sides=tuple(side for side in sides if side),
            why=inner.optional_text("why") or "the organization's own rule",
            severity=inner.optional_choice("severity", SEVERITIES) or "high",
        )
        if rule_id and (rule_id in catalogue or rule_id in rules):
            inner.fault("id", f"{shown(rule_id)} is taken")
        elif rule_id and not rule_id.replace("-", "").replace("_", "").isalnum():
            inner.fault("id", "use letters, digits, - and _")
        rules[rule_id] = rule
        found.append(rule)
    if len(found) > _MOST_RULES:
        fields.fault("separation", f"more than {_MOST_RULES} rules")
    return tuple(found)
