"""Who was there, with which roles: the inventory at any published run."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, to_builtins
from msgspec.structs import replace

from accesssync.errors import UsageError
from accesssync.jobs.governance.directory import Governance
from accesssync.jobs.governance.rules import Rules
from accesssync.jobs.verdict import Rulings, evidence_about, rulings, verdict_of
from accesssync.model.identity import Identity
from accesssync.model.look_alike import look_alikes
from accesssync.model.when import AtRun, When, as_text
from accesssync.reach.access import Access, can_act
from accesssync.reach.expand import expand
from accesssync.reach.tier import privileged_permissions, rank
from accesssync.store import inventory, runs
from accesssync.store.engine import Database
from accesssync.store.inventory import Moment

Document = dict[str, Any]


class View(Struct, frozen=True):
    """One organization at one published run."""

    org: runs.OrgRecord
    run: runs.RunRecord
    moment: Moment
    latest: bool = False
    """Whether no time was asked for, so that decisions made since that run count as well."""
    governance: Governance | None = None
    """The files of the governance directory as they are now; they count where no time was asked for."""

    @property
    def decided_until(self) -> datetime | None:
        """The time after which decisions do not count; None where all of them do."""
        return None if self.latest else self.run.finished_at

    @property
    def proven(self) -> bool:
        """Whether every listing of that run was complete."""
        return self.run.complete


def chosen_orgs(engine: Database, names: Iterable[str]) -> list[runs.OrgRecord]:
    """The organizations in the store by these names, or all; UsageError for one that was never synced."""
    known = {org.name: org for org in runs.find_orgs(engine)}
    wanted = [name.lower() for name in names] or list(known)
    for name in wanted:
        if name not in known:
            have = ", ".join(known) or "none"
            raise UsageError(f"no organization is stored as {name!r}", remedy=f"stored: {have}; run accesssync sync")
    return [known[name] for name in wanted]


def views(
    engine: Database,
    names: Iterable[str],
    when: When | None,
    skipped: Callable[[UsageError], None],
    governance: Governance | None = None,
) -> list[View]:
    """Every chosen organization as it was at `when`, or at its published run.

    An organization of which nothing was known yet at that time is handed to `skipped`: emptiness would be read as
    "nobody had access". UsageError where that leaves none, or where one was asked for by name.
    """
    asked = list(names)
    found: list[View] = []
    unknown: list[UsageError] = []
    for org in chosen_orgs(engine, asked):
        try:
            view = view_at(engine, org, when)
        except UsageError as error:
            if asked:
                raise
            unknown.append(error)
            continue
        # A run belongs to one organization; naming it is choosing that one.
        found += [replace(view, governance=governance)] if view is not None else []
    if not found and unknown:
        raise unknown[0]
    if not found and isinstance(when, AtRun):
        raise UsageError(
            f"run-{when.run_id} is not a published run of these organizations",
            remedy="accesssync status names the published runs",
        )
    if not found:
        raise UsageError("nothing is stored yet", remedy="run: accesssync sync")
    for reason in unknown:
        skipped(reason)
    return found


def view_at(engine: Database, org: runs.OrgRecord, when: When | None) -> View | None:
    """One organization at `when`; None where `when` is a run of another organization."""
    if when is None:
        run = runs.last_run(engine, org.id, published=True)
    elif isinstance(when, AtRun):
        run = runs.get_run(engine, when.run_id)
        if run is None or run.org_id != org.id:
            return None
        if run.undone or org.published_run_id is None or run.id > org.published_run_id:
            raise UsageError(f"run-{run.id} was not published: it failed or is still under way", org=org.name)
    else:
        run = runs.run_at(engine, org.id, when.time)
    if run is None or run.finished_at is None:
        published = runs.list_runs(engine, org.id, published=True)
        if not published or published[0].finished_at is None:
            raise UsageError("no run was published yet", org=org.name, remedy="run: accesssync sync")
        first = published[0]
        raise UsageError(
            "nothing was known yet at that time",
            org=org.name,
            remedy=f"the first run is run-{first.id} of {as_text(published[0].finished_at)}",
        )
    return View(org, run, Moment(org.id, run.id, run.finished_at.date()), when is None)


def identities(engine: Database, view: View) -> Iterator[Document]:
    """Every user record of an organization, as the contract writes it.

    `look_alikes` are the ids of others whose e-mail a reader would take for this one's: the same, in other letter
    case, or in letters of another alphabet. They are different records and are never merged.
    """
    names = inventory.role_names(engine, view.moment)
    times = inventory.run_times(engine, view.org.id)
    alike = look_alikes(inventory.emails(engine, view.moment))
    known = rulings_at(engine, view)
    for one in inventory.list_identities(engine, view.moment, classified=True):
        yield {**_identity(view, one, names, times, known), "look_alikes": list(alike.get(one.identity.id, ()))}


def rulings_at(engine: Database, view: View) -> Rulings:
    """What people said that counts in a view."""
    rules = Rules(view.governance, view.org.name) if view.latest and view.governance is not None else None
    at = view.run.finished_at or view.run.started_at
    return rulings(engine, view.moment, at, view.decided_until, rules)


def across_orgs(engine: Database, chosen: list[View]) -> Iterator[Document]:
    """The user records whose e-mail several of these organizations know, each with `also_in`, by e-mail.

    Letter case aside the e-mail has to be the same, and in ASCII: what only looks the same is not the same person.
    """
    where: dict[str, set[str]] = {}
    for view in chosen:
        for _, email in inventory.emails(engine, view.moment):
            if email and email.isascii():
                where.setdefault(email.lower(), set()).add(view.org.name)
    shared = {email for email, orgs in where.items() if len(orgs) > 1}
    found = [one for view in chosen for one in identities(engine, view) if (one["email"] or "").lower() in shared]
    for one in sorted(found, key=lambda document: (document["email"].lower(), document["org"])):
        yield {**one, "also_in": sorted(where[one["email"].lower()] - {one["org"]})}


def _identity(
    view: View,
    one: inventory.IdentityAt,
    names: dict[str, str | None],
    times: dict[int, tuple[datetime | None, bool]],
    known: Rulings,
) -> Document:
    record = one.identity
    ruling = known.of(record, evidence_about(one))
    first, baseline = times.get(one.first_run, (None, False))
    return {
        "org": view.org.name,
        "id": record.id,
        "email": record.email,
        "handle": record.handle,
        "name": record.name,
        "title": record.title,
        "status": record.status,
        "disabled": record.disabled,
        "verified": record.verified,
        "mfa_enabled": record.mfa_enabled,
        "service_account": record.service_account,
        "created_at": time_or_none(record.created_at),
        "last_login_at": None if record.last_login_at is UNSET else time_or_none(record.last_login_at),
        "last_login_state": login_state(record),
        "roles": sorted(names.get(role_id) or role_id for role_id in record.role_ids),
        "classification": verdict_of(one, ruling, known.at),
        "owner": ruling.owner,
        "purpose": ruling.purpose,
        "first_seen_at": time_or_none(first),
        "first_seen_baseline": baseline,
    }


def login_state(record: Identity) -> str:
    """`seen`, `never`, or `unknown` where Datadog does not say."""
    if record.last_login_at is UNSET:
        return "unknown"
    return "never" if record.last_login_at is None else "seen"


def show_identity(engine: Database, view: View, text: str) -> list[Document]:
    """Everything about the identities whose id, e-mail or handle is `text`, permissions and their paths included."""
    names = inventory.role_names(engine, view.moment)
    times = inventory.run_times(engine, view.org.id)
    found = inventory.find_identities(engine, view.moment, text, classified=True)
    if not found:
        return []
    known = rulings_at(engine, view)
    access = Access(
        at=view.run.finished_at or view.run.started_at,
        identities=[one.identity for one in found],
        roles=[role for role, _ in inventory.list_roles(engine, view.moment)],
        permissions=inventory.list_permissions(engine, view.moment),
    )
    shown = []
    for one in found:
        document = _identity(view, one, names, times, known)
        document["grants"] = list(grants(engine, view, identity_id=one.identity.id))
        held = expand(access, one.identity)
        document["permissions"] = to_builtins(held.permissions)
        document["unlisted_roles"] = list(held.unlisted_roles)
        document["privileged"] = [permission.permission for permission in held.permissions if permission.privileged]
        shown.append(document)
    return shown


def grants(
    engine: Database, view: View, *, history: bool = False, identity_id: str | None = None
) -> Iterator[Document]:
    """Who holds which role and since when; with `history`, also what had ended by then."""
    times = inventory.run_times(engine, view.org.id)
    for one in inventory.list_grants(engine, view.moment, history=history, identity_id=identity_id):
        since, baseline = times.get(one.from_run, (None, False))
        until = times.get(one.to_run, (None, False))[0] if one.to_run is not None else None
        yield {
            "org": view.org.name,
            "identity_id": one.identity_id,
            "role_id": one.role_id,
            "role": one.role or one.role_id,
            "since": time_or_none(since),
            "until": time_or_none(until),
            "since_baseline": baseline,
        }


def identities_called(engine: Database, chosen: list[View], text: str) -> set[tuple[str, str]]:
    """The organization and id of every identity that is called `text`."""
    return {
        (view.org.name, one.identity.id)
        for view in chosen
        for one in inventory.find_identities(engine, view.moment, text)
    }


def roles_called(engine: Database, chosen: Iterable[View], text: str) -> set[str]:
    """What the roles are shown as whose name, letter case aside, or id is `text`."""
    found: dict[str, str | None] = {}
    for view in chosen:
        found |= inventory.role_names(engine, view.moment)
    wanted = text.strip().casefold()
    return {name or role_id for role_id, name in found.items() if wanted in (role_id, (name or "").casefold())}


def privileged_roles(engine: Database, view: View) -> set[str]:
    """The ids of the roles that carry a privileged permission."""
    return {one["id"] for one in roles(engine, view) if one["privileged"]}


def subjects(engine: Database, view: View) -> dict[str, str]:
    """What people call every identity known by then, by id."""
    return inventory.subjects(engine, view.moment)


def roles(engine: Database, view: View) -> list[Document]:
    """Every role with the number of holders and permissions, and what makes it privileged."""
    found = inventory.list_roles(engine, view.moment)
    permissions = inventory.list_permissions(engine, view.moment)
    privileged = privileged_permissions([role for role, _ in found], permissions)
    times = inventory.run_times(engine, view.org.id)
    holders = inventory.count_holders(engine, view.moment)
    names = {one.id: one.name or one.id for one in permissions}
    documents = []
    for role, first_run in found:
        first, baseline = times.get(first_run, (None, False))
        documents.append(
            {
                "org": view.org.name,
                "id": role.id,
                "name": role.name,
                "created_at": time_or_none(role.created_at),
                "identities": holders.get(role.id, 0),
                "permissions": sorted(names.get(one, one) for one in role.permission_ids),
                "privileged": rank(privileged[one] for one in role.permission_ids if one in privileged),
                "first_seen_at": time_or_none(first),
                "first_seen_baseline": baseline,
            }
        )
    return documents


def admins(engine: Database, view: View) -> list[Document]:
    """Every identity that is not disabled and holds a privileged permission, and through which roles."""
    found = [role for role, _ in inventory.list_roles(engine, view.moment)]
    privileged = privileged_permissions(found, inventory.list_permissions(engine, view.moment))
    carried = {role.id: {privileged[one] for one in role.permission_ids if one in privileged} for role in found}
    by_id = {role.id: role for role in found}
    documents = []
    for one in inventory.list_identities(engine, view.moment):
        record = one.identity
        via = [by_id[role_id] for role_id in record.role_ids if carried.get(role_id)]
        if not via or not can_act(record):
            continue
        documents.append(
            {
                "org": view.org.name,
                "id": record.id,
                "email": record.email,
                "name": record.name,
                "status": record.status,
                "service_account": record.service_account,
                "created_at": time_or_none(record.created_at),
                "last_login_at": None if record.last_login_at is UNSET else time_or_none(record.last_login_at),
                "last_login_state": login_state(record),
                "roles": sorted(role.subject for role in via),
                "privileged": rank({name for role in via for name in carried[role.id]}),
            }
        )
    return documents


def time_or_none(moment: datetime | None) -> str | None:
    """A time as the contract writes it."""
    return None if moment is None else as_text(moment)
