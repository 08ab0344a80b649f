"""The catalogue as a document for people, and as one for programs."""

from collections.abc import Iterator
from typing import Any

from accesssync.findings.catalogue import ALL, NOT_EVIDENCED, ruleset
from accesssync.findings.check import Check
from accesssync.findings.separation import controls

COMMAND = "accesssync findings checks --format markdown > docs/findings.md"

_HEAD = f"""# Findings

This file is written by `{COMMAND}`; change the checks, not the file.

A finding is something about an organization's access that somebody should look at. Each has a name such as `F-7Q2K`
that stays the same for as long as the finding does. `accesssync findings list` shows them, `accesssync findings
show F-7Q2K` leads back to the fields it rests on and the run that saw them.

## What is promised

- **Missing is not no.** An attribute that Datadog does not send is unknown, and what is unknown raises nothing. Of
  API keys Datadog shows 90 days of use: no use in that time is not "never". A second factor that an identity
  provider asks for is invisible to Datadog, so organizations with SAML mappings get one line about it instead of a
  finding each.
- **A check that could not look says so.** Where a listing was denied, left out or not proven, the checks that need
  it are `not evaluated`, with the reason: `accesssync findings checks` shows it. Where part of a listing was seen,
  a check may open findings and resolves none.
- **Absence resolves only where it is proven.** A finding is resolved when its check was fully evaluated and did not
  find it again. It opens again under its old name.
- **A waiver is for a time.** It has an owner, a reason, an approver and a last day at most a year away. A waived
  finding stays counted; after its last day it is open again.
- **Our own changes alert nobody.** What opens because a check is new or was changed has the cause `ruleset`,
  because the policy changed `policy`, because something can be looked at now `coverage`. Only `org` is the
  organization's doing.
- **Evidence, not a verdict.** The controls named are those that a finding is evidence for. Whether an organization
  complies with them is for people to say.

## Severities

`critical` now, `high` this week, `medium` this month, `low` when there is time, `info` to know. A policy may set
the severity of any check, its parameters, or switch it off with a reason: see [governance](governance.md).
"""


def markdown() -> str:
    """docs/findings.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield f"## The checks\n\n{len(ALL)} checks, ruleset `{ruleset()}`.\n"
    yield "| Check | Severity | |\n|---|---|---|"
    for check in ALL:
        yield f"| [{check.id}](#{check.id.lower()}) | {check.severity} | {check.title} |"
    for check in ALL:
        yield from _check(check)
    yield "\n## What no check says\n"
    for what, why in NOT_EVIDENCED.items():
        yield f"- {what}: {why}"
    yield from _controls()


def _check(check: Check) -> Iterator[str]:
    yield f"\n### {check.id}\n\n**{check.title}**: {check.severity}; {check.when}.\n"
    yield f"- Found where: {check.logic}."
    for one in check.parameters:
        default = "none, the policy says it" if one.default is None else f"{one.default:,}"
        yield f"- `{one.name}`: {one.meaning}; {default}; {one.unit}, {one.least:,} to {one.most:,}."
    yield f"- The same finding tomorrow: {check.same}."
    needs = ", ".join(f"`{one}`" for one in check.needs) or "nothing but what accesssync keeps itself"
    yield f"- Needs: {needs}{', proven complete' if check.absence and check.needs else ''}."
    yield f"- To do: {check.remedy.text}. `{check.remedy.command}`; in Datadog: {check.remedy.place}."
    yield f"- Controls: {', '.join(check.controls)}."
    if check.caveats:
        yield f"- Mind: {'; '.join(check.caveats)}."


def _controls() -> Iterator[str]:
    known = controls()
    yield "\n## Controls\n\nIds only: the texts belong to their publishers.\n"
    yield "| Group | " + " | ".join(known.frameworks.values()) + " |"
    yield "|---|" + "---|" * len(known.frameworks)
    for name, group in known.groups.items():
        cells = [", ".join(getattr(group, key)) for key in known.frameworks]
        yield f"| {name} {group.title} | " + " | ".join(cells) + " |"


def catalogue() -> list[dict[str, Any]]:
    """Every check with everything about it."""
    return [
        {
            "id": check.id,
            "title": check.title,
            "severity": check.severity,
            "when": check.when,
            "logic": check.logic,
            "needs": [one.value for one in check.needs],
            "needs_proof": check.absence,
            "same": check.same,
            "parameters": [
                {
                    "name": one.name,
                    "default": one.default,
                    "unit": one.unit,
                    "least": one.least,
                    "most": one.most,
                    "meaning": one.meaning,
                }
                for one in check.parameters
            ],
            "remediation": {
                "text": check.remedy.text,
                "command": check.remedy.command,
                "place": check.remedy.place,
            },
            "controls": list(check.controls),
            "caveats": list(check.caveats),
        }
        for check in ALL
    ]
