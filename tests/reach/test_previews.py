"""What dies and what lives on."""

from datetime import timedelta
from typing import Any

from msgspec import UNSET

from accesssync.model.credential import CredentialType
from accesssync.model.team import Membership, Team
from accesssync.reach.fate import Urgency, UseState, last_use
from accesssync.reach.offboard import offboard_preview
from accesssync.reach.revoke import revoke_preview
from tests.reach.organization import AT, access, api_key, client, key, person, robot, role

ADMIN = role("Admin", "user_access_manage", "service_account_write", "dashboards_read")
READER = role("Reader", "dashboards_read")


def _days(number: int) -> dict[str, Any]:
    return {"last_used_at": AT - timedelta(days=number)}


def test_the_last_use_of_a_credential_has_four_states() -> None:
    assert last_use(key("a", "ada", last_used_at=UNSET), AT).state is UseState.UNKNOWN
    assert last_use(key("a", "ada", malformed=("last_used_at",)), AT).in_use is None
    assert last_use(key("a", "ada"), AT).state is UseState.NEVER
    assert last_use(api_key("a", "ada"), AT).state is UseState.NONE_IN_90_DAYS
    assert last_use(key("a", "ada", **_days(30)), AT).in_use
    assert last_use(key("a", "ada", **_days(31)), AT).in_use is False


def test_offboarding_an_admin() -> None:
    keys = [
        key("never", "ada"),
        key("old", "ada", **_days(40)),
        key("unknown", "ada", last_used_at=UNSET),
        key("week", "ada", **_days(7)),
        key("today", "ada", **_days(0)),
        key("expired", "ada", type=CredentialType.PERSONAL_ACCESS_TOKEN, expires_at=AT),
        api_key("agent", "ada", **_days(1)),
        client("chat", "ada", "bob"),
        client("mine", "ada"),
        client("half", "ada", "gone"),
        key("bob's", "bob"),
    ]
    members = [Membership(id=f"t:u-{name}", team_id="t", user_id=f"u-{name}", role="admin") for name in ("ada", "cy")]
    people = [
        person("ada", "Admin", "Gone"),
        person("bob", "Reader"),
        person("cy", disabled=True),
        robot("ci", "Reader"),
    ]
    org = access(
        people=people, roles=[ADMIN, READER], credentials=keys, teams=[Team(id="t", name="SRE")], memberships=members
    )
    preview = offboard_preview(org, people[0])
    assert [one.name for one in preview.dies] == ["today", "week", "unknown", "old", "mine", "never"]
    assert [one.urgency for one in preview.dies[:3]] == [Urgency.NOW, Urgency.NOW, Urgency.CHECK]
    assert preview.move_first == ("k-today", "k-week", "k-unknown")
    assert [one.name for one in preview.lives_on] == ["agent", "chat"]
    assert [one.name for one in preview.stopped] == ["expired"]
    assert [one.name for one in preview.unclear] == ["half"]
    assert preview.roles == ("Admin", "r-Gone")
    assert [(one.team, one.role, one.last_admin) for one in preview.teams] == [("SRE", "admin", True)]
    assert preview.last_holder_of == ("service_account_write", "user_access_manage")
    assert preview.service_accounts == ("ci",)
    assert any("rotate" in note for note in preview.notes)


def test_the_last_person_is_not_the_last_holder_where_a_robot_is_left() -> None:
    people = [person("ada", "Admin"), robot("ci", "Admin")]
    preview = offboard_preview(access(people=people, roles=[ADMIN]), people[0])
    assert preview.last_holder_of == ()
    assert preview.last_person_of == ("service_account_write", "user_access_manage")
    both = [*people, person("bob", "Admin")]
    assert offboard_preview(access(people=both, roles=[ADMIN]), people[0]).last_person_of == ()


def test_offboarding_somebody_disabled_or_empty_handed() -> None:
    gone = person("ada", "Admin", disabled=True)
    preview = offboard_preview(access(people=[gone], roles=[ADMIN], credentials=[key("k", "ada")]), gone)
    assert preview.already_disabled
    assert [one.name for one in preview.stopped] == ["k"]
    assert (preview.dies, preview.last_holder_of) == ((), ())
    nobody = person("nobody")
    empty = offboard_preview(access(people=[nobody], roles=[]), nobody)
    assert (empty.dies, empty.roles, empty.teams, empty.notes) == ((), (), (), ())


def test_revoking_a_key_in_use() -> None:
    used = key("deploy", "ci", ("dashboards_read",), leaked=True, **_days(1))
    keys = [used, key("spare", "ci", ()), key("old", "ci", disabled=True), api_key("agent", "ci")]
    preview = revoke_preview(access(people=[robot("ci", "Reader")], roles=[READER], credentials=keys), used)
    assert (preview.works, preview.urgency) == (True, Urgency.NOW)
    assert preview.stops == preview.lost == ("dashboards_read",)
    assert [one.name for one in preview.remaining] == ["spare"]
    assert [(one.subject, one.service_account, one.disabled) for one in preview.owners] == [("ci", True, False)]
    assert len(preview.warnings) == 2


def test_revoking_the_last_api_key_and_one_of_nobody() -> None:
    last, dead = api_key("agent", "gone"), api_key("off", None, disabled=True)
    org = access(people=[], roles=[], credentials=[last, dead])
    preview = revoke_preview(org, last)
    assert "only working API key" in preview.warnings[-1]
    assert [(one.id, one.listed) for one in preview.owners] == [("u-gone", False)]
    assert preview.stops
    assert revoke_preview(org, dead).works is False
    assert revoke_preview(org, dead).owners == ()
