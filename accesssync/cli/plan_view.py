"""Show a plan as a review is read: what, who, why, how many, and how close it comes to each guard."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from accesssync.cli.output import age, say, strong
from accesssync.cli.table import shorten_middle, wrap
from accesssync.model.operation import Operation
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.provision.plan import Planned
    from accesssync.provision.plan import Action, Gauge, Plan

SHOWN = 50
"""Subjects of a plan that are shown; the rest are counted."""


def show_plan(planned: "Planned", now: datetime, *, limit: int = SHOWN) -> None:
    """A whole plan on stdout."""
    plan = planned.plan
    width = max(40, get_terminal_size().columns)
    old = age((now - plan.seen_at).total_seconds())
    say(
        strong(f"plan {planned.digest[:12]}")
        + f"  {visible(plan.org)}, {plan.mode}, from run-{plan.run_id}, {old} old, by {visible(plan.author)}"
    )
    if planned.people:
        say(f"{visible(plan.source)} names {planned.people:,} {'person' if planned.people == 1 else 'people'}")
    if not plan.actions:
        say("nothing to do")
    for line in _subjects(plan.actions, width, limit):
        say(line)
    if plan.actions:
        say()
        for line in wrap(_count(plan.actions), width):
            say(line)
    for line in _judgement(plan, width):
        say(line)


def _subjects(actions: "Sequence[Action]", width: int, limit: int) -> Iterator[str]:
    """Two lines or more a subject: who and where it is asked for, then what is done."""
    chains: dict[str, list[Action]] = {}
    for one in actions:
        chains.setdefault(one.chain, []).append(one)
    for chain in list(chains.values())[: limit or None]:
        first = chain[0]
        sign = "-" if all(one.removal for one in chain) else "+" if first.before is None else "~"
        flag = "PRIVILEGED  " if any(one.privileged for one in chain) else ""
        # What a reader checks against is the line that asks for it: it stays, and the name gives way.
        where = visible(first.why)[: width // 2]
        room = max(10, width - 4 - len(flag) - len(where))
        who = shorten_middle(visible(first.subject), room)
        yield f"{sign} {who:<{room}}  {flag}{where}"
        for line in wrap("; ".join(_phrase(one) for one in chain), width - 4):
            yield f"    {line}"
    if limit and len(chains) > limit:
        yield f"  and {len(chains) - limit:,} more; --limit 0 shows all of them"


def _phrase(action: "Action") -> str:
    """What is done, in words that say what is different afterwards."""
    before, after = action.before or {}, action.after or {}
    had, has = set(before.get("roles", ())), set(after.get("roles", ()))
    gained, lost = _names(sorted(has - had)), _names(sorted(had - has))
    phrases = {
        Operation.CREATE_USER: f"create with {_names(after.get('roles', ())) or 'no role'}",
        Operation.CREATE_SERVICE_ACCOUNT: f"create service account with {_names(after.get('roles', ())) or 'no role'}",
        Operation.SEND_INVITATION: "invite",
        Operation.DELETE_INVITATION: "take the invitation back",
        Operation.GRANT_ROLE: f"gains {gained}",
        Operation.REVOKE_ROLE: f"loses {lost}",
        Operation.ENABLE_USER: f"enable again, with {_names(sorted(has)) or 'no role'}",
        Operation.DISABLE_USER: f"disable; holds {_names(sorted(has)) or 'no role'}",
        Operation.UPDATE_USER: ", ".join(
            f"{name}: {visible(before.get(name) or 'none')} -> {visible(after.get(name) or 'none')}"
            for name in ("name", "title")
            if before.get(name) != after.get(name)
        ),
    }
    return phrases.get(action.operation, action.operation.value)


def _names(roles: Sequence[str]) -> str:
    return ", ".join(visible(one) for one in roles)


def _count(actions: "Sequence[Action]") -> str:
    counts = Counter(one.operation for one in actions)
    what = ", ".join(f"{counts[one]:,} {one}" for one in Operation if counts[one])
    subjects = len({one.chain for one in actions})
    return f"{len(actions):,} writes to {subjects:,} {'subject' if subjects == 1 else 'subjects'}: {what}"


def _judgement(plan: "Plan", width: int) -> Iterator[str]:
    for number, gauge in enumerate(plan.gauges):
        yield f"{'guards' if not number else '':<9}{_gauge(gauge)}"
    for title, texts in (
        ("REFUSED", [f"{one.rule}: {one.message}" for one in plan.refusals if one.guard]),
        ("not yet", [f"{one.rule}: {one.message}" for one in plan.refusals if not one.guard]),
        ("warning", list(plan.warnings)),
        ("approval", [f"somebody else has to approve it: {plan.approval}"] if plan.approval else []),
    ):
        for text in texts:
            for number, line in enumerate(wrap(visible(text), width - 9)):
                yield f"{title if not number else '':<9}{line}"


def _gauge(gauge: "Gauge") -> str:
    if gauge.least:
        return f"{gauge.rule:<19} {gauge.planned:,} left of {gauge.of or 0:,}, at least {gauge.limit:,}"
    spent = f" after {gauge.spent:,}" if gauge.spent else ""
    of = f" ({gauge.of:,} {'enabled' if gauge.rule == 'removals' else 'privileged'})" if gauge.of is not None else ""
    return f"{gauge.rule:<19} {gauge.planned:,}{spent} of {gauge.limit:,} in 24 h{of}"
