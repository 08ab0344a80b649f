"""Run the checks over one picture. One that fails hides no other."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal

from msgspec import Struct, json

from accesssync.findings.catalogue import checks_for
from accesssync.findings.check import Check, Raised, UncoveredError
from accesssync.findings.picture import Picture
from accesssync.model.coverage import CoverageState

State = Literal["evaluated", "partial", "not_evaluated", "off", "failed"]

CONCLUDES: State = "evaluated"
"""The only state in which what is no longer found is resolved."""


class Outcome(Struct, frozen=True):
    """What became of one check. `reason` says why it could not, or not fully, be evaluated.

    `terms` are digests of the check itself and of what the policy says, with a dot between them.
    """

    state: State
    reason: str | None
    raised: int
    terms: str


class Evaluation(Struct, frozen=True):
    """Everything that was found, and what became of each check, by its id."""

    raised: tuple[Raised, ...]
    outcomes: dict[str, Outcome]
    versions: dict[str, int]

    @property
    def failed(self) -> list[str]:
        """The checks that ended in an error of their own."""
        return [one for one, outcome in self.outcomes.items() if outcome.state == "failed"]


def evaluate(picture: Picture, checks: Iterable[Check] | None = None) -> Evaluation:
    """Every check of this organization. Findings come in the order of the checks."""
    chosen = checks_for(picture.policy) if checks is None else tuple(checks)
    raised: list[Raised] = []
    outcomes: dict[str, Outcome] = {}
    for check in chosen:
        found, outcome = _carry_out(check, picture)
        raised += found
        outcomes[check.id] = outcome
    return Evaluation(tuple(raised), outcomes, {one.id: one.version for one in chosen})


def _carry_out(check: Check, picture: Picture) -> tuple[list[Raised], Outcome]:
    said = picture.policy.of(check.id)
    terms = _terms(check, picture)
    if said.off:
        return [], Outcome("off", said.reason, 0, terms)
    state, reason = _covered(check, picture)
    if state == "not_evaluated":
        return [], Outcome(state, reason, 0, terms)
    try:
        hits = list(check.find(picture, {**check.defaults(), **said.parameters}))
    except UncoveredError as missing:
        return [], Outcome("not_evaluated", str(missing), 0, terms)
    except Exception as bug:  # noqa: BLE001 - the other checks are not to suffer for it
        return [], Outcome("failed", f"a bug in accesssync ({type(bug).__name__})", 0, terms)
    found = list(check.raised(hits, said.severity))
    return found, Outcome(state, reason, len(found), terms)


def _covered(check: Check, picture: Picture) -> tuple[State, str | None]:
    """Whether what a check needs was seen. Part of a listing may raise something, and resolves nothing."""
    partly = None
    for resource in check.needs:
        seen = picture.coverage.get(resource)
        if seen is None:
            return "not_evaluated", f"{resource} was not read"
        why = f"{resource} {seen.state}" + (f": {seen.reason}" if seen.reason else "")
        if seen.state is CoverageState.INCOMPLETE and not check.absence:
            partly = why
        elif seen.state is not CoverageState.COMPLETE:
            return "not_evaluated", why
    return ("partial", partly) if partly else ("evaluated", None)


def _terms(check: Check, picture: Picture) -> str:
    """Two digests: of the check itself, and of what the policy says that bears on it."""
    policy = picture.policy
    said = policy.of(check.id)
    rule = (check.version, check.logic, check.defaults())
    patterns = [one.text for one in policy.break_glass]
    common = (policy.login, policy.own_domains, patterns, policy.tiers)
    return f"{_digest(rule)}.{_digest((said.off, said.severity, said.parameters, common))}"


def _digest(content: object) -> str:
    return blake2b(json.encode(content, order="deterministic"), digest_size=6).hexdigest()
