"""Decisions that people keep in a file: read them, write them, find the one that counts."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, get_args

from msgspec import Struct

from accesssync.nhi.verdict import Decision, Kind
from accesssync.parse.fields import Fields, yaml_fields
from accesssync.parse.glob import Glob
from accesssync.parse.problems import Problems

KINDS: tuple[Kind, ...] = get_args(Kind)
_LABELS: tuple[Literal["human", "nhi"], ...] = ("human", "nhi")
_VERSION = 1


class DecisionRule(Struct, frozen=True, kw_only=True):
    """What somebody decided about every identity whose id, e-mail or handle one of the patterns matches.

    `orgs`: in which organizations, all of them where it is empty. `line`: where the file says so.
    """

    match: tuple[Glob, ...]
    label: Literal["human", "nhi"]
    kind: Kind | None
    by: str
    reason: str
    owner: str | None = None
    purpose: str | None = None
    review_by: date | None = None
    orgs: tuple[Glob, ...] = ()
    line: int = 0

    @property
    def decision(self) -> Decision:
        """The part that overrides what is computed."""
        return Decision(self.label, self.kind)


def read_decisions(content: bytes, file: str, problems: Problems) -> tuple[DecisionRule, ...]:
    """The decisions of a file, in its order. What is wrong is noted in `problems`, by line."""
    top = yaml_fields(content, file, problems)
    top.integer("version", _VERSION, _VERSION)
    return tuple(_rule(one) for one in top.records("decisions"))


def _rule(fields: Fields) -> DecisionRule:
    label, kind = label_and_kind(fields)
    return DecisionRule(
        match=fields.globs("match"),
        label=label,
        kind=kind,
        by=fields.text("by"),
        reason=fields.text("reason"),
        owner=fields.optional_text("owner"),
        purpose=fields.optional_text("purpose"),
        review_by=fields.optional_day("review_by"),
        orgs=fields.optional_globs("org"),
        line=fields.line,
    )


def label_and_kind(fields: Fields) -> tuple[Literal["human", "nhi"], Kind | None]:
    """What was decided: a machine has a kind, a person has none."""
    label = fields.choice("label", _LABELS)
    kind = fields.optional_choice("kind", KINDS)
    if fields.refused("label") or fields.refused("kind"):
        return label, kind
    if label == "human" and kind is not None:
        fields.fault("kind", "a person has no kind")
    if label == "nhi" and kind is None:
        fields.fault("kind", f"is missing: a machine is one of {', '.join(KINDS)}")
    return label, kind


def write_decisions(rules: Iterable[DecisionRule]) -> str:
    """A file that `read_decisions` reads as these rules."""
    import yaml

    entries = []
    for rule in rules:
        entry: dict[str, object] = {"match": [one.text for one in rule.match], "label": rule.label}
        given = {
            "kind": rule.kind,
            "owner": rule.owner,
            "purpose": rule.purpose,
            "reason": rule.reason,
            "by": rule.by,
            "review_by": rule.review_by,
            "org": [one.text for one in rule.orgs] or None,
        }
        entries.append({**entry, **{name: value for name, value in given.items() if value is not None}})
    document = {"version": _VERSION, "decisions": entries}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
