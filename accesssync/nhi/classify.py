"""Decide: what a person said, then what Datadog declares, then the sum of the signals."""

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from accesssync.nhi.behaviour import behaviour_signals, borrowed_name
from accesssync.nhi.domains import domain_signals
from accesssync.nhi.fields import Fields
from accesssync.nhi.lexicon import Lexicon, base_lexicon
from accesssync.nhi.names import name_signals
from accesssync.nhi.person import person_signals
from accesssync.nhi.verdict import Basis, Classification, Decision, Evidence, Kind, Label, Signal, Subject

HIGHEST = 100
_NO_EVIDENCE = Evidence()


class Context(Struct, frozen=True, kw_only=True):
    """What is the same for everybody: the time, the words, and what is usual in this organization.

    `mfa_tells`: most people here have a second factor, so that its absence says something.
    """

    now: datetime
    lexicon: Lexicon
    org_domains: Collection[str] = frozenset()
    mfa_tells: bool = False


def context(
    now: datetime,
    *,
    lexicon: Lexicon | None = None,
    org_domains: Collection[str] = (),
    mfa_tells: bool = False,
) -> Context:
    """A context with the lexicon that comes with accesssync unless another is given."""
    domains = frozenset(domain.casefold() for domain in org_domains)
    return Context(now=now, lexicon=lexicon or base_lexicon(), org_domains=domains, mfa_tells=mfa_tells)


def classify(subject: Subject, context: Context, decision: Decision | None = None) -> Classification:
    """Who this is, with every reason. The same input gives the same answer; no text makes it raise."""
    lexicon = context.lexicon
    if subject.service_account:
        text = "Datadog lists it as a service account"
        signals = [Signal("D1", HIGHEST, "service_account", text)]
        computed: Label = "nhi"
        kind: Kind | None = "service_account"
        reason: str | None = text
        basis: Basis = "declared"
    else:
        signals = _signals(subject, context)
        computed = _label(signals, lexicon)
        kind, reason = _kind(signals, lexicon) if computed in {"nhi", "review"} else (None, None)
        basis = "inferred"
    found = Classification(
        label=computed,
        computed=computed,
        kind=kind,
        kind_reason=reason,
        score=sum([signal.points for signal in signals]),
        basis=basis,
        signals=tuple(signals),
        ruleset=lexicon.version,
    )
    return decided(found, decision) if decision else found


def decided(found: Classification, decision: Decision) -> Classification:
    """The same evidence under a person's decision, which is final; what was computed stays beside it."""
    kind = None if decision.label == "human" else decision.kind or found.kind
    reason = "decided by a person" if kind else None
    return replace(found, label=decision.label, kind=kind, kind_reason=reason, basis="override")


def _signals(subject: Subject, context: Context) -> list[Signal]:
    lexicon = context.lexicon
    fields = Fields(subject, lexicon)
    signals = name_signals(fields, lexicon)
    if fields.domain or fields.handle.folded:
        signals += domain_signals(fields, context.org_domains, lexicon)
    person = person_signals(fields, subject.title, lexicon)
    signals += person
    if subject.evidence:
        behaviour = behaviour_signals(subject.evidence, context.now, lexicon, mfa_tells=context.mfa_tells)
        signals += behaviour + borrowed_name(person, behaviour, lexicon)
    over = sum([signal.points for signal in signals]) - HIGHEST
    if over > 0:
        signals.append(Signal("C2", -over, "score", f"no score is higher than {HIGHEST}"))
    return signals


def _label(signals: list[Signal], lexicon: Lexicon) -> Label:
    score = sum([signal.points for signal in signals])
    if score >= lexicon.nhi:
        return "nhi"
    if score >= lexicon.review:
        return "review"
    # Free mail says something about an address, nothing about who is behind it.
    told = any(signal.points < 0 and signal.id != "P4" for signal in signals)
    return "human" if told else "unknown"


_KINDS: dict[str, Kind] = {"N9": "shared_mailbox", "N18": "shared_mailbox", "N11": "automation"}
_FALLBACK: Kind = "automation"
_GENERAL = frozenset({"automation", "service_account"})


def _kind(signals: list[Signal], lexicon: Lexicon) -> tuple[Kind, str | None]:
    """The kind that the strongest signal suggests; one that says more goes before mere automation."""
    best: tuple[bool, int, Kind, str] | None = None
    for signal in signals:
        group = lexicon.groups.get(signal.id)
        kind = group.kind if group else _KINDS.get(signal.id)
        if kind is None or signal.points <= 0:
            continue
        if best is None or (kind not in _GENERAL, signal.points) > (best[0], best[1]):
            best = (kind not in _GENERAL, signal.points, kind, signal.text)
    return (best[2], best[3]) if best else (_FALLBACK, None)
