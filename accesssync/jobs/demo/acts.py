"""The acts of the demonstration. Each does something to the organization, observes it, and says what was measured.

Whatever an act says comes from what the run reported or from what the server was seen to do, never from what
ought to have happened; where the two differ, the act is not kept and the demonstration fails.
"""

from collections.abc import Callable
from datetime import datetime

from accesssync.errors import IncompleteError, RefusedError
from accesssync.jobs.demo.hand_over import hand_over
from accesssync.jobs.demo.invite import invite
from accesssync.jobs.demo.judge import findings
from accesssync.jobs.demo.meddle import compare, meddle
from accesssync.jobs.demo.plain_loop import list_plainly
from accesssync.jobs.demo.stage import Act, Stage, removals
from accesssync.jobs.sync.run import Synced
from accesssync.model.change import Cause, Change
from accesssync.model.coverage import CoverageState, Resource
from accesssync.sandbox.faults import HalfListing
from accesssync.sandbox.generate import ADMIN

USERS_PATH = "/api/v2/users"

_SHOWN = ("grant.added", "role_permission.added", "identity.added", "identity.updated", "grant.removed")
"""Kinds of which the first change is shown by itself."""


def baseline(stage: Stage) -> Act:
    """The first run: everything, and as much of it as there is."""
    synced = stage.sync()
    truth = stage.organization
    there = {
        "users": len(truth.users),
        "service_accounts": sum(user.service_account for user in truth.users.values()),
        "roles": len(truth.roles),
        "permissions": len(truth.permissions),
        "grants": sum(len(user.role_ids) for user in truth.users.values()),
    }
    stored = {name: synced.counts.get(name, 0) for name in there}
    proven = sum(one.coverage.state is CoverageState.COMPLETE for one in synced.observed.values())
    what = f"{stored['users']:,} identities, {stored['roles']:,} roles, {stored['grants']:,} grants"
    return Act(
        name="baseline",
        kept=stored == there and _complete(synced),
        said=(f"{what}: {proven}/{len(synced.observed)} listings proven",),
        figures={**stored, "proven": proven, "resources": len(synced.observed), "seconds": _seconds(synced)},
    )


def drift(stage: Stage) -> Act:
    """Somebody changes access without telling us; people go on logging in meanwhile."""
    logins = _logins(stage)
    made = meddle(stage.organization, stage.reader, stage.rng)
    synced = stage.sync()
    reported = stage.changes(synced)
    result = compare(made, reported)
    moved = sum(before != logins_now for before, logins_now in _paired(logins, _logins(stage)))
    causes = {change.cause for change in reported}
    missed = f", {result.missed} missed" if result.missed else ""
    return Act(
        name="drift",
        kept=result.exact and _complete(synced) and causes <= {Cause.ORG},
        said=(
            f"{result.made} changes made behind our back: {result.found} found, {result.invented} invented{missed}",
            f"{moved:,} logins moved meanwhile: kept as activity, no change",
        ),
        figures={
            "made": result.made,
            "found": result.found,
            "missed": result.missed,
            "invented": result.invented,
            "logins_moved": moved,
        },
        loud=_one_of_each(reported),
    )


def half_list(stage: Stage) -> Act:
    """Datadog sends the first half of the people, admitting in its totals that there are more."""
    before = list_plainly(stage.server.info)
    stored = _identities(stage.sync())
    fault = stage.server.faults.add(HalfListing(), path=USERS_PATH, times=None)
    fooled = before - list_plainly(stage.server.info)
    synced = stage.sync(forgiving=IncompleteError)
    stage.server.faults.remove(fault)
    seen = synced.observed[Resource.USERS].coverage
    removed = removals(stage.changes(synced)) + stored - _identities(synced)
    code = synced.error.exit_code if synced.error else 0
    plainly = f"a plain loop: {len(fooled):,} false leavers"
    return Act(
        name="half list",
        kept=not removed and code == IncompleteError.exit_code and not seen.proven,
        said=(f"Datadog sent {seen.received:,} of {seen.expected or 0:,}: {removed} removed ({plainly})",),
        figures={
            "sent": seen.received,
            "expected": seen.expected or 0,
            "passes": seen.passes,
            "removed": removed,
            "plain_loop_false_leavers": len(fooled),
            "exit_code": code,
        },
    )


def false_totals(stage: Stage) -> Act:
    """The same half, twice in a row, and now the totals claim that it is everything."""
    stored = _identities(stage.sync())
    fault = stage.server.faults.add(HalfListing(totals_agree=True), path=USERS_PATH, times=None)
    lied_to = [stage.sync(forgiving=RefusedError) for _ in range(2)]
    stage.server.faults.remove(fault)
    removed = sum(removals(stage.changes(one)) for one in lied_to) + stored - _identities(lied_to[-1])
    codes = [one.error.exit_code if one.error else 0 for one in lied_to]
    after = len(stage.changes(stage.sync()))
    return Act(
        name="false sum",
        kept=not removed and not after and codes[-1] == RefusedError.exit_code,
        said=(f"half again, its totals in agreement, twice: {removed} removed, exit {codes[0]} then {codes[1]}",),
        figures={"removed": removed, "exit_codes": codes, "changes_once_healed": after},
    )


def robots(stage: Stage) -> Act:
    """Who is a machine under a person's kind of record, told from names, logins and keys alone."""
    synced = stage.sync()
    ordinary = {user.id: user.truth.nature for user in stage.organization.users.values() if not user.service_account}
    labels = stage.labels()
    hidden = {one for one, nature in ordinary.items() if nature == "nhi"}
    flagged = {one for one in ordinary if labels.get(one) in {"nhi", "review"}}
    accused = {one for one, nature in ordinary.items() if nature == "human" and one in flagged}
    found = hidden & flagged
    people = "person" if len(accused) == 1 else "people"
    return Act(
        name="robots",
        kept=_complete(synced) and 10 * len(found) >= 9 * len(hidden) and 300 * len(accused) <= len(ordinary),
        said=(f"{len(found):,} of {len(hidden):,} hidden machines found, {len(accused):,} {people} accused",),
        figures={"hidden": len(hidden), "found": len(found), "accused": len(accused), "ordinary": len(ordinary)},
    )


def leaver(stage: Stage) -> Act:
    """One person really is gone."""
    owners = {key.owner_id for key in stage.organization.app_keys.values()}
    people = [user for user in stage.organization.users.values() if user.id not in owners and not user.service_account]
    gone = stage.rng.choice(sorted(people, key=lambda user: user.id))
    stage.organization.remove_user(gone.id)
    first = stage.changes(stage.sync())
    stage.server.forget_requests()
    second = stage.changes(stage.sync())
    asked = [one for one in stage.server.requests if one.path == f"{USERS_PATH}/{gone.id}" and one.status == 404]
    early, late = _vanished(first), _vanished(second)
    return Act(
        name="leaver",
        kept=not early and late == [gone.id] and len(asked) == 1,
        said=(
            f"missing once: {len(early)} removed; missing twice, and {len(asked)} GET says 404: {len(late)} removed",
        ),
        figures={"removed_at_first": len(early), "not_found": len(asked), "removed": len(late), "subject": gone.email},
    )


def again(stage: Stage) -> Act:
    """Nothing happens, and nothing is reported."""
    synced = stage.sync()
    found = len(stage.changes(synced))
    requests = synced.run.requests if synced.run else 0
    return Act(
        name="again",
        kept=not found and _complete(synced),
        said=(f"run once more: {found} changes, {requests:,} requests, {_seconds(synced):.2f} s",),
        figures={"changes": found, "requests": requests, "seconds": _seconds(synced)},
    )


ACTS: tuple[Callable[[Stage], Act], ...] = (
    baseline,
    drift,
    half_list,
    false_totals,
    robots,
    findings,
    leaver,
    invite,
    again,
    hand_over,
)
"""In this order. Another act needs only its place here."""


def _complete(synced: Synced) -> bool:
    return synced.run is not None and synced.run.complete


def _seconds(synced: Synced) -> float:
    return round(synced.run.duration_seconds, 3) if synced.run else 0.0


def _identities(synced: Synced) -> int:
    return synced.counts.get("users", 0)


def _vanished(found: list[Change]) -> list[str]:
    return [change.subject_id for change in found if change.kind == "identity.removed"]


def _logins(stage: Stage) -> dict[str, datetime | None]:
    with stage.organization.lock:
        return {user.id: user.last_login_at for user in stage.organization.users.values()}


def _paired(
    before: dict[str, datetime | None], after: dict[str, datetime | None]
) -> list[tuple[datetime | None, datetime | None]]:
    return [(value, after[one]) for one, value in before.items() if one in after]


def _one_of_each(found: list[Change]) -> tuple[Change, ...]:
    """The first change of each kind; a new administrator and a new name before others."""
    first: dict[str, Change] = {}
    for change in sorted(found, key=lambda one: ADMIN not in one.fields.get("role", ()) and "name" not in one.fields):
        first.setdefault(change.kind, change)
    return tuple(first[kind] for kind in _SHOWN if kind in first)
