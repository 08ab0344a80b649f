"""A plan is carried out once, in its order, and whatever goes wrong on the way is told and never repeated blindly."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from accesssync.audit.verify import verify
from accesssync.errors import AuthenticationError, LockedError, RefusedError, StoreError
from accesssync.jobs.provision.consent import approve, override
from accesssync.jobs.provision.plan_file import read
from accesssync.jobs.provision.result import worst
from accesssync.jobs.provision.resume import interrupted
from accesssync.model.operation import Operation
from accesssync.provision.gateway import Rejected
from accesssync.store.audit import append as append_entry
from accesssync.store.audit import read_log
from accesssync.store.intents import IntentState, list_intents
from accesssync.store.invitations import list_invitations
from tests.jobs.provisioning import Desk, acme, outcomes, user
from tests.provision.builders import ADMIN, READ, STANDARD, person

CROWD = [f"crowd{number:03}x" for number in range(30)]


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Desk:
    made = Desk(engine, acme("ada", "bob", "left", *CROWD), tmp_path)
    made.sync()
    return made


def kinds(desk: Desk) -> list[str]:
    """What the audit log says, after proof that it holds together."""
    entries = list(read_log(desk.engine))
    assert verify(entries, []).fault is None
    return [one.kind for one in entries]


def states(desk: Desk) -> set[str]:
    return {one.state for one in list_intents(desk.engine, desk.record.id)}


EDIT = (
    "users:\n"
    + user("eve", STANDARD)
    + user("fay", STANDARD, READ)
    + user("gil", READ)
    + user("ada", STANDARD, READ)
    + "absent:\n  - email: left@example.com\n"
)


def test_people_come_change_and_leave_and_then_there_is_nothing_to_do(desk: Desk) -> None:
    done = desk.do(EDIT)
    assert worst(done.results) == 0
    assert set(outcomes(done).values()) == {"succeeded"}
    assert desk.datadog.mails == {f"{name}@example.com": 1 for name in ("eve", "fay", "gil")}
    assert desk.datadog.by_email("fay@example.com").role_ids == (READ, STANDARD)
    assert desk.org.users["left"].disabled
    # Two writes a new user: the create carries the roles.
    assert len(desk.datadog.log) == 3 * 2 + 1 + 1
    assert desk.plan(EDIT).plan.actions == ()
    desk.sync()
    assert desk.plan(EDIT).plan.actions == ()
    assert kinds(desk).count("write.confirmed") == 8
    assert kinds(desk).count("write.intended") == 8


def test_what_our_own_writes_changed_is_explained_by_them(desk: Desk) -> None:
    from accesssync.jobs.changes import changes

    planned = desk.plan(EDIT)
    desk.apply(planned)
    desk.org.put(person("bob", READ, STANDARD))
    desk.sync()
    found = list(changes(desk.engine, [], since=None, until=None, baseline=False))
    explained = {(one.kind, one.subject) for one in found if one.explanation == f"plan {planned.digest[:12]}"}
    assert all(one.actor == "ada" for one in found if one.explanation)
    assert {one for one in explained if "left" in one[1]} == {("identity.updated", "left@example.com")}
    assert ("identity.added", "eve@example.com") in explained
    assert ("grant.added", "ada@example.com") in explained
    assert [one.subject for one in found if not one.explanation] == ["bob@example.com"]


def test_nothing_is_sent_without_an_intent_that_is_stored_before(desk: Desk) -> None:
    seen: list[bool] = []

    def at(operation: str, subject: str) -> None:
        sent = list_intents(desk.engine, desk.record.id, states=(IntentState.SENT,))
        seen.append(any(one.operation == operation and one.subject == subject for one in sent))

    desk.datadog.at = at
    desk.do("users:\n" + user("ada", STANDARD, READ) + user("bob", READ, STANDARD))
    assert seen == [True, True]


def test_where_the_log_cannot_be_written_nothing_is_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = desk.plan(EDIT)
    real, failing = append_entry, [False]

    def append(connection: Any, entry: Any) -> Any:
        if entry.kind == "write.intended" and failing[0]:
            raise StoreError("the disk is full")
        return real(connection, entry)

    monkeypatch.setattr("accesssync.store.intents.append", append)
    failing[0] = True
    done = desk.apply(planned)
    assert isinstance(done.error, StoreError)
    assert desk.datadog.log == []
    assert set(outcomes(done).values()) == {"not_attempted"}
    failing[0] = False
    [resumed] = desk.resume()
    assert set(outcomes(resumed).values()) == {"succeeded"}


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("operation", ["create_user", "grant_role", "revoke_role", "disable_user", "enable_user"])
def test_a_lost_reply_is_read_back_before_anything_is_repeated(desk: Desk, fault: str, operation: str) -> None:
    desk.org.put(person("bob", STANDARD, disabled=True, status="Disabled"))
    desk.sync()
    lost = iter([fault])
    desk.datadog.fault = lambda one, _subject: next(lost, None) if one == operation else None
    text = "mode: authoritative\nusers:\n" + user("eve", STANDARD) + user("bob", STANDARD) + user("ada", READ)
    done = desk.do(text + "absent:\n  - email: left@example.com\n")
    assert set(outcomes(done).values()) == {"succeeded"}
    assert len(desk.datadog.sent(operation)) == (2 if fault == "before" else 1)
    assert desk.datadog.created == {"eve@example.com": 1}
    assert desk.datadog.mails == {"eve@example.com": 1}
    assert "write.reconciled" in kinds(desk) or fault == "before"


def test_a_write_that_twice_gets_no_answer_and_is_not_done_is_told_and_finished_later(desk: Desk) -> None:
    desk.datadog.fault = lambda operation, _subject: "before" if operation == "create_user" else None
    text = "users:\n" + user("eve", STANDARD)
    done = desk.do(text)
    assert outcomes(done) == {("create_user", "eve"): "failed", ("send_invitation", "eve"): "not_attempted"}
    assert worst(done.results) == 5
    assert len(desk.datadog.sent("create_user")) == 2
    desk.datadog.fault = lambda _operation, _subject: None
    [resumed] = desk.resume()
    assert set(outcomes(resumed).values()) == {"succeeded"}
    assert desk.datadog.mails == {"eve@example.com": 1}
    assert desk.resume() == []


@pytest.mark.parametrize("fault", ["before", "after"])
def test_an_invitation_of_which_nobody_knows_is_never_sent_again_by_itself(desk: Desk, fault: str) -> None:
    desk.datadog.fault = lambda operation, _subject: fault if operation == "send_invitation" else None
    text = "users:\n" + user("eve", STANDARD)
    done = desk.do(text)
    assert outcomes(done)["send_invitation", "eve"] == "unknown"
    assert worst(done.results) == 10
    desk.datadog.fault = lambda _operation, _subject: None
    assert desk.resume() == []
    desk.sync()
    again = desk.plan(text)
    assert again.plan.actions == ()
    assert "--resend" in again.plan.warnings[0]
    assert len(desk.datadog.sent("send_invitation")) == 1
    [mail] = list_invitations(desk.engine, desk.record.id)
    assert (mail.state, mail.invitation_id) == ("unknown", None)
    resent = desk.resend(mail)
    assert outcomes(resent) == {("send_invitation", "eve"): "succeeded"}
    assert {one.state for one in list_invitations(desk.engine, desk.record.id)} == {"sent", "superseded"}
    assert "unknown" not in states(desk)
    assert desk.plan(text).plan.warnings == ()


def test_an_unknown_invitation_is_settled_by_whoever_comes(desk: Desk) -> None:
    desk.datadog.fault = lambda operation, _subject: "after" if operation == "send_invitation" else None
    desk.do("users:\n" + user("eve", STANDARD))
    made = desk.datadog.by_email("eve@example.com")
    desk.org.put(person(made.id, STANDARD, email=made.email, status="Active"))
    desk.sync()
    assert [one.state for one in list_invitations(desk.engine, desk.record.id)] == ["accepted"]
    assert "unknown" not in states(desk)


def test_a_service_account_is_never_made_twice(desk: Desk) -> None:
    text = "service_accounts:\n  - {name: ci, email: ci@example.com, roles: [Datadog Read Only Role]}\n"
    desk.datadog.fault = lambda _operation, _subject: "before"
    done = desk.do(text)
    assert outcomes(done) == {("create_service_account", "ci"): "unknown"}
    assert len(desk.datadog.log) == 1
    # While nobody knows, no plan makes it either.
    assert {one.rule for one in desk.plan(text).plan.refusals} == {"unknown_write"}
    desk.datadog.fault = lambda _operation, _subject: None
    [still] = desk.resume()
    assert worst(still.results) == 10
    assert len(desk.datadog.log) == 1
    # A complete listing that began later ends the doubt.
    desk.clock.advance(minutes=11)
    desk.sync()
    desk.resume()
    assert desk.plan(text).plan.refusals == ()
    assert set(outcomes(desk.do(text)).values()) == {"succeeded"}
    assert desk.datadog.created == {"ci": 1}


def test_a_service_account_that_was_made_after_all_is_found(desk: Desk) -> None:
    text = "service_accounts:\n  - {name: ci, email: ci@example.com, roles: [Datadog Read Only Role]}\n"
    desk.datadog.fault = lambda _operation, _subject: "after"
    assert outcomes(desk.do(text)) == {("create_service_account", "ci"): "succeeded"}


@pytest.mark.parametrize(
    ("there", "allowed", "code", "detail"),
    [
        ({"status": "Active"}, True, 0, "taken over"),
        ({"status": "Pending"}, True, 0, "taken over"),
        ({"status": "Disabled", "disabled": True}, True, 0, "taken over"),
        ({"status": "Disabled", "disabled": True}, False, 4, "disabled user"),
        ({"email": "Eve@Example.com", "twin": True}, True, 4, "several"),
        ({"email": "eve@example.com.evil.io"}, True, 4, "nobody of exactly"),
    ],
)
def test_an_address_that_was_taken_meanwhile(
    engine: Engine, tmp_path: Path, there: dict[str, Any], allowed: bool, code: int, detail: str
) -> None:
    desk = Desk(engine, acme("ada", *CROWD), tmp_path)
    desk.sync()
    operations = set(desk.settings.allowed_operations) - (set() if allowed else {Operation.ENABLE_USER})
    desk.settings = desk.settings.model_copy(update={"allowed_operations": frozenset(operations)})
    planned = desk.plan("users:\n" + user("eve", STANDARD, READ))
    twin = there.get("twin", False)
    facts = {name: value for name, value in there.items() if name != "twin"}
    found = person("eve-there", READ, **{"email": "eve@example.com", **facts})
    desk.org.put(found, *([person("eve-twin", email="eve@example.com")] if twin else []))
    if "evil" in (found.email or ""):
        desk.datadog.fault = lambda one, _subject: Rejected(status=409, message="exists") if "create" in one else None
    done = desk.apply(planned)
    assert worst(done.results) == code
    create = next(one for one in done.results if one.operation is Operation.CREATE_USER)
    assert detail in create.detail
    if code == 0:
        now = desk.org.users["eve-there"]
        assert (now.role_ids, bool(now.disabled)) == ((READ, STANDARD), False)
        assert len(desk.datadog.sent("send_invitation")) == (found.status == "Pending")
    else:
        assert desk.datadog.mails == {}
    assert desk.datadog.created == {}


def test_a_disabled_user_with_more_than_was_planned_is_not_let_in_again(desk: Desk) -> None:
    planned = desk.plan("users:\n" + user("eve", STANDARD))
    desk.org.put(person("eve", ADMIN, disabled=True, status="Disabled"))
    done = desk.apply(planned)
    assert worst(done.results) == 4
    assert desk.org.users["eve"].disabled


@pytest.mark.parametrize(
    "now",
    [
        person("ada", READ),
        person("ada", STANDARD, disabled=True, status="Disabled"),
        person("ada", STANDARD, email="lovelace@example.com"),
        None,
    ],
)
def test_whoever_somebody_moved_meanwhile_is_left_alone(desk: Desk, now: Any) -> None:
    planned = desk.plan("users:\n" + user("ada", STANDARD, READ) + user("bob", STANDARD, READ))
    if now is None:
        desk.org.drop("ada")
    else:
        desk.org.put(now)
    done = desk.apply(planned)
    assert outcomes(done) == {("grant_role", "ada"): "skipped", ("grant_role", "bob"): "succeeded"}
    assert worst(done.results) == 4
    assert desk.datadog.sent("grant_role") == ["bob@example.com"]


def test_nothing_is_taken_where_the_giving_failed(desk: Desk) -> None:
    refused = Rejected(status=400, message="no")
    desk.datadog.fault = lambda one, _subject: refused if one == "grant_role" else None
    done = desk.do("mode: authoritative\nusers:\n" + user("ada", READ))
    assert outcomes(done) == {("grant_role", "ada"): "failed", ("revoke_role", "ada"): "not_attempted"}
    assert desk.org.users["ada"].role_ids == (STANDARD,)


def test_a_taking_that_failed_leaves_more_access_and_is_finished_by_a_rerun(desk: Desk) -> None:
    refused = Rejected(status=400, message="no")
    desk.datadog.fault = lambda one, _subject: refused if one == "revoke_role" else None
    done = desk.do("mode: authoritative\nusers:\n" + user("ada", READ))
    assert outcomes(done) == {("grant_role", "ada"): "succeeded", ("revoke_role", "ada"): "failed"}
    assert worst(done.results) == 5
    assert desk.org.users["ada"].role_ids == (READ, STANDARD)
    desk.datadog.fault = lambda _one, _subject: None
    desk.resume()
    assert list(desk.org.users["ada"].role_ids) == [READ]


def test_what_is_taken_from_the_privileged_waits_until_all_else_is_done(desk: Desk) -> None:
    refused = Rejected(status=400, message="no")
    desk.datadog.fault = lambda one, _subject: refused if one == "grant_role" else None
    done = desk.do("users:\n" + user("ada", STANDARD, READ) + "absent:\n  - email: root1x@example.com\n")
    assert outcomes(done)["disable_user", "root1x"] == "not_attempted"
    assert not desk.org.users["root1x"].disabled


def test_disabling_somebody_who_is_disabled_already_is_done_and_somebody_gone_is_not(desk: Desk) -> None:
    answer = Rejected(status=404, message="not found")

    def fault(one: str, subject: str) -> Any:
        if one != "disable_user":
            return None
        name = subject.partition("@")[0]
        if name == "left":
            desk.org.put(person("left", STANDARD, disabled=True, status="Disabled"))
        else:
            del desk.org.users[name]
        return answer

    desk.datadog.fault = fault
    done = desk.do("absent:\n  - email: left@example.com\n  - email: bob@example.com\n")
    assert outcomes(done) == {("disable_user", "left"): "succeeded", ("disable_user", "bob"): "failed"}
    assert worst(done.results) == 5


def test_what_the_key_may_not_is_not_tried_again(desk: Desk) -> None:
    denied = Rejected(status=403, message="Forbidden")
    desk.settings = desk.settings.model_copy(update={"concurrency": 1})
    desk.datadog.fault = lambda one, _subject: denied if one == "send_invitation" else None
    done = desk.do("users:\n" + user("eve", STANDARD) + user("fay", STANDARD) + user("gil", STANDARD))
    assert worst(done.results) == 6
    assert len(desk.datadog.sent("send_invitation")) == 1
    assert len(desk.datadog.created) == 3
    desk.datadog.fault = lambda _one, _subject: None
    desk.resume()
    assert desk.datadog.mails == {f"{name}@example.com": 1 for name in ("eve", "fay", "gil")}


def test_three_failures_in_a_row_stop_the_organization(desk: Desk) -> None:
    desk.settings = desk.settings.model_copy(update={"concurrency": 1})
    desk.datadog.fault = lambda _one, _subject: Rejected(status=400, message="no")
    done = desk.do("users:\n" + "".join(user(name, STANDARD, READ) for name in CROWD[:8]))
    assert len(desk.datadog.log) == 3
    assert list(outcomes(done).values()).count("not_attempted") == 5


def test_no_answer_to_a_read_sends_no_write(desk: Desk) -> None:
    planned = desk.plan("users:\n" + user("ada", STANDARD, READ))
    desk.datadog.deaf = True
    done = desk.apply(planned)
    assert outcomes(done) == {("grant_role", "ada"): "failed"}
    assert desk.datadog.log == []


def test_two_plans_that_each_pass_do_not_together_take_the_last_admin(desk: Desk) -> None:
    first = desk.plan("absent:\n  - email: root1x@example.com\n")
    second = desk.plan("absent:\n  - email: root2x@example.com\n")
    assert not first.guarded
    assert not second.guarded
    assert worst(desk.apply(first).results) == 0
    with pytest.raises(RefusedError, match="min_admins"):
        desk.apply(second)
    assert len(desk.datadog.log) == 1


def test_admins_are_counted_again_just_before_one_is_taken(desk: Desk) -> None:
    planned = desk.plan("absent:\n  - email: root1x@example.com\n")
    desk.org.put(person("root2x", STANDARD))
    done = desk.apply(planned)
    assert outcomes(done) == {("disable_user", "root1x"): "skipped"}
    assert worst(done.results) == 4
    assert desk.datadog.log == []


def test_a_key_of_somebody_else_is_not_the_one_that_planned(desk: Desk) -> None:
    planned = desk.plan("absent:\n  - email: left@example.com\n")
    desk.datadog.owner = "left"
    with pytest.raises(RefusedError, match="plan was made with"):
        desk.apply(planned)
    assert desk.datadog.log == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.replace(b"left@example.com", b"bob@example.com"),
        lambda content: content[:-20],
    ],
)
def test_an_edited_plan_is_refused(desk: Desk, spoil: Any) -> None:
    planned = desk.plan("absent:\n  - email: left@example.com\n")
    with pytest.raises(RefusedError, match="edited"):
        read(desk.engine, desk.settings, spoil(planned.content), "plan.json", [])


def test_a_plan_is_good_for_an_hour_once_and_for_its_organization(desk: Desk) -> None:
    old = desk.plan("absent:\n  - email: left@example.com\n")
    desk.clock.advance(hours=1)
    with pytest.raises(RefusedError, match="expired"):
        desk.apply(old)
    planned = desk.plan("absent:\n  - email: left@example.com\n")
    with pytest.raises(RefusedError, match="not for emea"):
        read(desk.engine, desk.settings, planned.content, "plan.json", ["emea"])
    desk.apply(planned)
    with pytest.raises(RefusedError, match="was applied"):
        desk.apply(planned)


def test_a_plan_that_another_database_made_is_not_applied(desk: Desk) -> None:
    from msgspec import json
    from msgspec.structs import replace

    from accesssync.provision.plan import digest_of, document

    planned = desk.plan("absent:\n  - email: left@example.com\n")
    forged = replace(planned.plan, author="mallory")
    assert digest_of(forged) != planned.digest
    with pytest.raises(RefusedError, match="not made with this database"):
        read(desk.engine, desk.settings, json.encode(document(forged)), "plan.json", [])


def test_a_plan_that_needs_an_approval_waits_for_somebody_else(engine: Engine, tmp_path: Path) -> None:
    desk = Desk(engine, acme("left", *CROWD), tmp_path, approval="removals")
    desk.sync()
    planned = desk.plan("absent:\n  - email: left@example.com\n")
    ready = read(engine, desk.settings, planned.content, "plan.json", [])
    desk.clock.advance(hours=30)
    with pytest.raises(RefusedError, match="approval"):
        desk.apply(planned)
    with pytest.raises(RefusedError, match="cannot approve"):
        approve(engine, desk.settings, ready, by="ada", key=None, now=desk.clock())
    given = approve(engine, desk.settings, ready, by="bob", key=None, now=desk.clock())
    assert given.verified is False
    assert set(outcomes(desk.apply(planned)).values()) == {"succeeded"}
    assert "plan.approved" in kinds(desk)


def test_an_override_is_for_one_plan_once_and_not_for_ever(desk: Desk) -> None:
    def absent(names: list[str]) -> str:
        return "absent:\n" + "".join(f"  - email: {name}@example.com\n" for name in names)

    planned = desk.plan(absent(CROWD[:9]))
    assert planned.guarded
    with pytest.raises(RefusedError, match="removals"):
        desk.apply(planned)
    assert desk.datadog.log == []
    ready = read(desk.engine, desk.settings, planned.content, "plan.json", [])
    given = {"by": "bob", "reason": "HR-1182", "valid": timedelta(hours=1)}
    other = desk.plan(absent(CROWD[:10]))
    assert override(desk.engine, ready, (), now=desk.clock(), **given) == ["removals"]  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="removals"):
        desk.apply(other)
    assert set(outcomes(desk.apply(planned)).values()) == {"succeeded"}
    # The day's budget is used up now.
    assert {one.rule for one in desk.plan(absent(CROWD[9:10])).plan.refusals} == {"removals"}
    desk.clock.advance(hours=25)
    assert desk.plan(absent(CROWD[9:10])).plan.refusals == ()
    assert "guard.overridden" in kinds(desk)


def test_an_override_that_has_ended_passes_nothing(desk: Desk) -> None:
    planned = desk.plan("absent:\n" + "".join(f"  - email: {name}@example.com\n" for name in CROWD[:9]))
    ready = read(desk.engine, desk.settings, planned.content, "plan.json", [])
    override(desk.engine, ready, (), by="bob", reason="x", valid=timedelta(minutes=10), now=desk.clock())
    desk.clock.advance(minutes=11)
    with pytest.raises(RefusedError, match="removals"):
        desk.apply(planned)


def test_nothing_passes_the_guards_of_the_last_admins(desk: Desk) -> None:
    planned = desk.plan("absent:\n  - email: root1x@example.com\n  - email: root2x@example.com\n")
    ready = read(desk.engine, desk.settings, planned.content, "plan.json", [])
    with pytest.raises(RefusedError, match="min_admins cannot"):
        override(desk.engine, ready, (), by="bob", reason="x", valid=timedelta(hours=1), now=desk.clock())


def test_the_key_has_to_be_scoped_before_the_first_write(desk: Desk) -> None:
    planned = desk.plan("users:\n" + user("eve", STANDARD))
    desk.datadog.scopes = frozenset({"user_access_read", "user_access_invite"})
    with pytest.raises(AuthenticationError, match="user_access_manage"):
        desk.apply(planned)
    desk.datadog.scopes = None
    with pytest.raises(RefusedError, match="not scoped"):
        desk.apply(planned)
    desk.datadog.scopes_known = False
    with pytest.raises(RefusedError, match="cannot be learned"):
        desk.apply(planned)
    assert desk.datadog.log == []
    desk.settings = desk.settings.model_copy(update={"allow_unscoped_key": True})
    assert worst(desk.apply(planned).results) == 0


def test_an_operation_that_is_not_allowed_stops_a_plan_before_its_first_write(desk: Desk) -> None:
    planned = desk.plan("users:\n" + user("eve", STANDARD))
    desk.settings = desk.settings.model_copy(update={"allowed_operations": frozenset({Operation.CREATE_USER})})
    with pytest.raises(RefusedError, match="grant_role"):
        desk.apply(planned)
    assert desk.datadog.log == []


def test_another_process_that_works_on_the_organization_is_not_disturbed(desk: Desk) -> None:
    from accesssync.store.lease import leased

    planned = desk.plan("users:\n" + user("eve", STANDARD))
    with leased(desk.engine, "acme", desk.record.id, wait=False, sleep=lambda _s: None), pytest.raises(LockedError):
        desk.apply(planned)
    assert desk.datadog.log == []


class Crash(BaseException):
    """The process ended here."""


@pytest.mark.parametrize("nth", range(8))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_write_is_finished_by_resume(desk: Desk, nth: int, when: str) -> None:
    count = iter(range(100))
    desk.settings = desk.settings.model_copy(update={"concurrency": 1})
    real = desk.datadog._send

    def crashing(operation: str, subject: str, write: Any) -> Any:
        if next(count) == nth:
            if when == "after":
                real(operation, subject, write)
            raise Crash
        return real(operation, subject, write)

    planned = desk.plan(EDIT)
    desk.datadog._send = crashing  # type: ignore[method-assign]
    with pytest.raises(Crash):
        desk.apply(planned)
    del desk.datadog._send
    with pytest.raises(RefusedError, match="interrupted"):
        desk.apply(desk.plan("users:\n" + user("bob", READ, STANDARD)))
    [resumed] = desk.resume()
    found = outcomes(resumed)
    doubtful = [one for one, outcome in found.items() if outcome == "unknown"]
    assert {one[0] for one in doubtful} <= {"send_invitation"}
    assert set(found.values()) <= {"succeeded", "unknown"}
    assert desk.datadog.created == {f"{name}@example.com": 1 for name in ("eve", "fay", "gil")}
    assert all(count <= 1 for count in desk.datadog.mails.values())
    assert sum(desk.datadog.mails.values()) >= 3 - len(doubtful)
    assert desk.org.users["ada"].role_ids == (READ, STANDARD)
    assert desk.org.users["left"].disabled
    desk.sync()
    assert desk.plan(EDIT).plan.actions == ()
    kinds(desk)


def test_a_mail_that_was_interrupted_is_unknown_and_keeps_no_plan_from_being_applied(desk: Desk) -> None:
    desk.do("users:\n" + user("eve", STANDARD))
    [mail] = list_invitations(desk.engine, desk.record.id)

    def crashing(_operation: str, _subject: str) -> None:
        raise Crash

    desk.datadog.at = crashing
    with pytest.raises(Crash):
        desk.resend(mail)
    desk.datadog.at = lambda _operation, _subject: None
    assert set(outcomes(desk.do("users:\n" + user("fay", STANDARD))).values()) == {"succeeded"}
    [org] = desk.settings.organizations(["acme"])
    assert interrupted(desk.engine, org, desk.world, by="ada") == 1
    assert interrupted(desk.engine, org, desk.world, by="ada") == 0
    assert [one.state for one in list_invitations(desk.engine, desk.record.id)][:1] == ["sent"]
    assert {one.state for one in list_invitations(desk.engine, desk.record.id)} == {"sent", "unknown"}
    kinds(desk)


def test_a_resume_with_other_keys_does_not_cut_them_off(desk: Desk) -> None:
    refused = Rejected(status=400, message="no")
    desk.datadog.fault = lambda one, _subject: refused if one == "disable_user" else None
    desk.do("absent:\n  - email: left@example.com\n")
    desk.datadog.fault = lambda _one, _subject: None
    desk.datadog.owner = "left"
    with pytest.raises(RefusedError, match="self: disable_user"):
        desk.resume()
    assert len(desk.datadog.log) == 1


def test_a_plan_that_expired_is_only_finished_where_it_was_begun(desk: Desk) -> None:
    desk.settings = desk.settings.model_copy(update={"concurrency": 1})
    real = desk.datadog._send

    def crashing(operation: str, subject: str, write: Any) -> Any:
        if operation == "send_invitation":
            raise Crash
        return real(operation, subject, write)

    planned = desk.plan("users:\n" + user("eve", STANDARD) + user("fay", STANDARD))
    desk.datadog._send = crashing  # type: ignore[method-assign]
    with pytest.raises(Crash):
        desk.apply(planned)
    del desk.datadog._send
    desk.clock.advance(hours=2)
    [resumed] = desk.resume()
    assert outcomes(resumed)["create_user", "fay"] == "skipped"
    assert desk.datadog.created == {"eve@example.com": 1}
