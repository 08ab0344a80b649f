"""What becomes of findings from one evaluation to the next.

A finding opens, stays open, is resolved, and may open again under the same name. Only a check that was fully evaluated
resolves what it no longer finds: what was not looked at is neither there nor gone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from hashlib import blake2b
from typing import Literal

from msgspec import Struct, json

from accesssync.findings.check import Raised
from accesssync.findings.evaluate import CONCLUDES, Evaluation, Outcome
from accesssync.findings.identify import fingerprint
from accesssync.findings.waiver import Waiver
from accesssync.model.change import Cause

Status = Literal["open", "waived", "resolved"]
Event = Literal["opened", "reopened", "changed", "resolved", "waived", "waiver_ended"]


class Stored(Struct, frozen=True, gc=False):
    """A finding as it was left by the last evaluation."""

    key: int
    id: str
    print: bytes
    check: str
    status: str
    digest: bytes
    reopened: int = 0


class Step(Struct, frozen=True, kw_only=True):
    """One thing that happens to one finding. `raised` is what was found, None where it is resolved.

    `stored` None: it is new. `cause` says why it shows or goes; only `org` may alert anybody.
    """

    event: Event
    status: Status
    cause: Cause
    print: bytes
    digest: bytes
    raised: Raised | None = None
    stored: Stored | None = None
    waiver: Waiver | None = None
    why: str | None = None


Covering = Callable[[str | None, bytes, Raised], Waiver | None]
"""Gives the waiver that counts for a finding today: (its id where it has one, its fingerprint, what was found)."""


class Before(Struct, frozen=True):
    """What the evaluation before said. `outcomes` None: this is the first one of the organization."""

    outcomes: Mapping[str, Outcome] | None
    ruleset: str | None = None


def follow(
    org: str,
    stored: Iterable[Stored],
    found: Evaluation,
    before: Before,
    covering: Covering,
    owned: Callable[[bytes], str | None],
) -> Iterator[Step]:
    """Everything that changes. What stays as it is gives nothing.

    `owned` gives the id of a finding that is already stored, by its fingerprint.
    """
    there = {one.print: one for one in stored}
    seen: set[bytes] = set()
    for one in found.raised:
        print_ = fingerprint(org, one, found.versions[one.check])
        if print_ in seen:
            continue
        seen.add(print_)
        known = there.get(print_)
        step = _raised(one, print_, known, found, before, covering(owned(print_), print_, one))
        if step is not None:
            yield step
    for print_, known in there.items():
        if print_ not in seen and known.status != "resolved":
            gone = _gone(known, found, before)
            if gone is not None:
                yield gone


def digest_of(one: Raised) -> bytes:
    """What tells whether a finding says the same as before."""
    content = (one.severity, one.subject, one.evidence)
    return blake2b(json.encode(content, order="deterministic"), digest_size=16).digest()


def _raised(
    one: Raised, print_: bytes, known: Stored | None, found: Evaluation, before: Before, waiver: Waiver | None
) -> Step | None:
    digest = digest_of(one)
    status: Status = "waived" if waiver else "open"

    def step(event: Event, cause: Cause, why: str | None = None) -> Step:
        return Step(
            event=event, status=status, cause=cause, print=print_, digest=digest, raised=one, stored=known,
            waiver=waiver, why=why,
        )  # fmt: skip

    if known is None or known.status == "resolved":
        event: Event = "reopened" if known is not None else "opened"
        return step(event, cause_of(one.check, found, before))
    if known.status == "waived" and status == "open":
        return step("waiver_ended", Cause.POLICY, "the waiver has expired or was taken back")
    if known.status == "open" and status == "waived":
        return step("waived", Cause.POLICY, waiver.reason if waiver else None)
    return step("changed", Cause.ORG) if known.digest != digest else None


def _gone(known: Stored, found: Evaluation, before: Before) -> Step | None:
    outcome = found.outcomes.get(known.check)
    if outcome is None:
        cause, why = Cause.RULESET, "the check is no more"
    elif outcome.state == "off":
        cause, why = Cause.POLICY, "the policy switched the check off"
    elif outcome.state != CONCLUDES:
        return None
    else:
        cause = cause_of(known.check, found, before)
        why = {
            Cause.POLICY: "the policy asks for less",
            Cause.RULESET: "the check asks for less",
        }.get(cause, "no longer found")
    return Step(
        event="resolved", status="resolved", cause=cause, print=known.print, digest=known.digest, stored=known, why=why
    )


def cause_of(check: str, found: Evaluation, before: Before) -> Cause:
    """Why a check says something else than before.

    The first evaluation of an organization, and what becomes visible because it can be looked at now, is `coverage`.
    """
    if before.outcomes is None:
        return Cause.COVERAGE
    now, then = found.outcomes[check], before.outcomes.get(check)
    if then is None:
        return Cause.RULESET
    if then.state == "off":
        return Cause.POLICY
    if then.state in ("not_evaluated", "failed"):
        return Cause.COVERAGE
    if now.terms == then.terms:
        return Cause.ORG
    same_rule = now.terms.partition(".")[0] == then.terms.partition(".")[0]
    return Cause.POLICY if same_rule else Cause.RULESET


def waiver_for(waivers: Iterable[Waiver], org: str, today: date, named: Callable[[Raised], Iterable[str]]) -> Covering:
    """Looks up the waiver that counts for a finding. Of several the one that lasts longest."""
    valid = sorted((one for one in waivers if one.valid(today)), key=lambda one: one.expires, reverse=True)

    def covering(finding: str | None, _print: bytes, one: Raised) -> Waiver | None:
        texts = tuple(named(one)) if valid else ()
        return next((each for each in valid if each.covers(org, finding or "", one.check, texts)), None)

    return covering
