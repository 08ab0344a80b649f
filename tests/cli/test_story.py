"""One organization from its first sync to the day nothing changes any more, as an operator would live it."""

from typing import Any

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox import faults as f
from tests.cli.conftest import USERS, Cli
from tests.cli.inventory import stored, truth

STANDARD, READ_ONLY, ADMIN = "Datadog Standard Role", "Datadog Read Only Role", "Datadog Admin Role"


def test_from_the_baseline_to_the_day_nothing_changes(
    either: Cli, server: SandboxServer, organization: Organization
) -> None:
    story = Story(either, server, organization)
    story.step_10_the_baseline_is_complete_and_no_news()
    story.step_20_running_again_at_once_changes_nothing()
    story.step_30_drift_behind_our_back_is_found_exactly()
    story.step_40_half_a_listing_removes_nobody()
    story.step_50_a_denied_resource_is_partial()
    story.step_60_somebody_who_vanished_needs_two_looks()
    story.step_70_many_vanish_and_the_operator_is_asked()
    story.step_80_the_past_is_still_there()
    story.step_90_run_again_and_nothing_changes()


class Story:
    """The steps; each leaves the organization for the next."""

    def __init__(self, cli: Cli, server: SandboxServer, organization: Organization) -> None:
        self.cli, self.server, self.organization = cli, server, organization
        people = [one for one in organization.users.values() if not one.service_account and one.status == "Active"]
        self.people = [one.id for one in people if organization.role(ADMIN).id not in one.role_ids]
        self.past: dict[str, Any] = {}

    def sync(self, *options: str, code: int = 0) -> Any:
        ended = self.cli("sync", "--json", *options)
        assert ended.code == code, ended.err
        document = ended.json
        assert document["schema"] == "accesssync.sync/1"
        [run] = document["runs"]
        return run

    def changes(self, since: str) -> list[tuple[str, str]]:
        """Kind and subject of everything that changed after a run."""
        found = self.cli.ok("changes", "--since", since)["changes"]
        return sorted((one["kind"], one["subject_id"]) for one in found)

    def step_10_the_baseline_is_complete_and_no_news(self) -> None:
        run = self.sync("--detailed-exitcode")
        assert (run["status"], run["complete"], run["baseline"]) == ("succeeded", True, True)
        people, grants, roles = truth(self.organization)
        counts = run["counts"]
        assert (counts["users"], counts["grants"], counts["roles"]) == (len(people), len(grants), len(roles))
        assert counts["service_accounts"] == sum(one.service_account for one in self.organization.users.values())
        assert stored(self.cli) == (people, grants, roles)
        assert self.cli.ok("changes")["changes"] == []
        baseline = self.cli.ok("changes", "--baseline")["changes"]
        kinds = [one["kind"] for one in baseline]
        assert kinds.count("identity.added") == len(people)
        assert kinds.count("grant.added") == len(grants)
        assert run["changes"] == {"added": len(baseline), "updated": 0, "removed": 0}
        self.past["run-1"] = people, grants, roles

    def step_20_running_again_at_once_changes_nothing(self) -> None:
        run = self.sync("--detailed-exitcode")
        assert run["changes"] == {"added": 0, "updated": 0, "removed": 0}
        assert not run["baseline"]
        assert self.changes("run-1") == []

    def step_30_drift_behind_our_back_is_found_exactly(self) -> None:
        org, people = self.organization, self.people
        renamed, titled, granted, revoked, disabled = people[:5]
        org.rename(renamed, "Somebody Else")
        org.set_title(titled, "Chief of Everything")
        role = next(one for one in org.roles.values() if one.id not in org.user(granted).role_ids and not one.managed)
        org.grant_role(granted, role.id)
        lost = next(iter(org.user(revoked).role_ids))
        org.revoke_role(revoked, lost)
        org.disable(disabled)
        added = org.add_user("new.comer@arrivals.example", name="New Comer", roles=[READ_ONLY])
        org.touch_login(people[6], org.clock())
        added_role = org.add_role("Night Shift", ["logs_read_data"])
        spare = next(
            one for one in org.permissions.values() if not one.restricted and one.id not in role.permission_ids
        )
        org.grant_permission(role.id, spare.id)
        carried = next(one for one in role.permission_ids if not org.permissions[one].restricted)
        org.revoke_permission(role.id, carried)
        org.rename_role(lost, "Renamed Role")
        org.add_permission("brand_new_right", restricted=True)
        run = self.sync("--detailed-exitcode", code=3)
        free = [one for one in added_role.permission_ids if not org.permissions[one].restricted]
        expected = [
            ("identity.updated", renamed), ("identity.updated", titled), ("identity.updated", disabled),
            ("identity.added", added.id), ("grant.added", added.id), ("grant.added", granted),
            ("grant.removed", revoked), ("role.added", added_role.id), ("role.updated", lost),
            ("role_permission.added", role.id), ("role_permission.removed", role.id),
            *(("role_permission.added", added_role.id) for _ in free),
        ]  # fmt: skip
        assert self.changes("run-2") == sorted(expected)
        assert sum(run["changes"].values()) == len(expected)
        found = {(one["kind"], one["subject_id"]): one for one in self.cli.ok("changes", "--since", "run-2")["changes"]}
        assert found["identity.updated", renamed]["fields"]["name"][1] == "Somebody Else"
        assert set(found["identity.updated", disabled]["fields"]) == {"status", "disabled"}
        assert found["grant.added", granted]["fields"]["role"] == [None, role.name]
        assert found["grant.removed", revoked]["fields"]["role_id"] == [lost, None]
        assert {one["cause"] for one in found.values()} == {"org"}
        self.past["run-3"] = truth(org)
        assert stored(self.cli) == self.past["run-3"]

    def step_40_half_a_listing_removes_nobody(self) -> None:
        fault = self.server.faults.add(f.HalfListing(), path=USERS, times=None)
        for _ in range(2):
            run = self.sync("--detailed-exitcode", code=7)
            coverage = run["coverage"]["users"]
            assert coverage["state"] == "incomplete"
            assert coverage["received"] < coverage["expected"] == len(self.organization.users)
            assert run["counts"]["users"] == len(self.organization.users)
        assert fault.fired > 0
        assert stored(self.cli) == truth(self.organization)
        status = self.cli.ok("status")["organizations"][0]
        assert status["proven_run"] == "run-3"
        assert status["last_run"]["status"] == "failed"
        self.server.faults.clear()
        assert self.sync()["complete"]
        assert self.changes("run-3") == []

    def step_50_a_denied_resource_is_partial(self) -> None:
        self.server.faults.add(f.Status(403), path="/api/v2/roles", times=None)
        run = self.sync(code=5)
        assert (run["status"], run["coverage"]["roles"]["state"]) == ("partial", "denied")
        assert "user_access_read" in run["error"]["message"]
        self.server.faults.clear()
        self.sync()
        assert self.changes("run-3") == []

    def step_60_somebody_who_vanished_needs_two_looks(self) -> None:
        gone = self.people[7]
        roles = len(self.organization.user(gone).role_ids)
        email = self.organization.user(gone).email
        self.organization.remove_user(gone)
        before = self.sync()["run_id"]
        # Whoever is gone is in no team either, and that is seen at once.
        assert {kind for kind, _ in self.changes("run-3")} <= {"membership.removed"}
        assert gone in stored(self.cli)[0]
        self.server.forget_requests()
        self.sync("--detailed-exitcode", code=3)
        assert [one.status for one in self.server.requests if one.path == f"{USERS}/{gone}"] == [404]
        changes = self.changes(before)
        assert changes.count(("identity.removed", gone)) == 1
        assert changes.count(("grant.removed", gone)) == roles
        assert {subject for kind, subject in changes if kind != "membership.removed"} == {gone}
        events = self.cli.ok("timeline", email)["events"]
        assert "identity.removed" in [one["kind"] for one in events]

    def step_70_many_vanish_and_the_operator_is_asked(self) -> None:
        for one in self.people[8:16]:
            self.organization.remove_user(one)
        # The first look already finds more memberships gone than one run may remove by itself.
        assert self.cli("sync").code in (0, 4)
        refused = self.sync(code=4)
        assert "--accept-removals" in refused["error"]["remedy"]
        assert set(self.people[8:16]) <= stored(self.cli)[0].keys()
        self.sync("--accept-removals", "40")
        assert stored(self.cli) == truth(self.organization)

    def step_80_the_past_is_still_there(self) -> None:
        for run, state in self.past.items():
            assert stored(self.cli, "--as-of", run) == state
        history = self.cli.ok("grants", "--history")["grants"]
        assert {(one["identity_id"], one["role_id"]) for one in history} >= self.past["run-1"][1]
        assert all(one["until"] is not None for one in history if one["identity_id"] == self.people[7])

    def step_90_run_again_and_nothing_changes(self) -> None:
        run = self.sync("--detailed-exitcode")
        assert (run["status"], run["complete"]) == ("succeeded", True)
        assert run["changes"] == {"added": 0, "updated": 0, "removed": 0}
        ended = self.cli("sync")
        assert "nothing changed" in ended.out
