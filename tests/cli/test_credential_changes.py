"""Making, rotating, narrowing and revoking credentials, through the command line and against the look-alike."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from accesssync.sandbox import AppKey, Organization, SandboxServer, User
from accesssync.sandbox import faults as f
from tests.cli.conftest import Cli

KEYS = "/api/v2/service_accounts/*/application_keys"
OPERATIONS = (
    "create_application_key,update_application_key,revoke_application_key,revoke_api_key,revoke_access_token,"
    "revoke_oauth_authorization"
)
WHY = ("--reason", "asked by the platform team", "--yes")


@pytest.fixture
def account(organization: Organization) -> User:
    return organization.add_user("ops@example.com", name="robot-ci", service_account=True)


@pytest.fixture
def key(organization: Organization, account: User) -> AppKey:
    return organization.add_application_key(account.id, ["dashboards_read", "monitors_read"], name="ci-old")


@pytest.fixture
def desk(cli: Cli, server: SandboxServer, key: AppKey) -> Cli:
    """A command line that may change credentials, of an organization that it has seen, the key included."""
    assert key.name
    cli.env(
        ACCESSSYNC_PROVISION_APP_KEY=str(server.provision_app_key),
        ACCESSSYNC_ALLOWED_OPERATIONS=OPERATIONS,
        ACCESSSYNC_OPERATOR="ada@example.com",
    )
    assert cli("sync").code == 0
    server.forget_requests()
    return cli


def kinds(cli: Cli) -> list[tuple[str, str | None]]:
    entries = cli.ok("audit", "list", "--kind", "write")["audit"]
    assert cli("audit", "verify").code == 0
    return [(one["kind"], one["facts"].get("operation")) for one in entries]


CREATE = ("credential", "create", "robot-ci", "--name", "deploy", "--scope", "dashboards_read", *WHY)


class TestCreate:
    def test_the_secret_is_shown_once_and_kept_nowhere(
        self, desk: Cli, organization: Organization, account: User, database_file: Path
    ) -> None:
        done = desk.ok(*CREATE)
        made = organization.app_keys[done["id"]]
        assert (made.owner_id, made.scopes, made.name) == (account.id, ("dashboards_read",), "deploy")
        assert done["secret"] == made.secret
        assert kinds(desk) == [
            ("write.intended", "create_application_key"), ("write.confirmed", "create_application_key"),
        ]  # fmt: skip
        entry = desk.ok("audit", "list", "--kind", "write.confirmed")["audit"][0]
        assert entry["facts"]["made_id"] == made.id
        assert entry["facts"]["scopes"] == ["dashboards_read"]
        assert entry["personal"]["reason"] == "asked by the platform team"
        assert entry["actor"] == "ada@example.com"
        for path in database_file.parent.glob(f"{database_file.name}*"):
            assert made.secret.encode() not in path.read_bytes()

    def test_into_a_private_file_it_is_not_shown(self, desk: Cli, organization: Organization, tmp_path: Path) -> None:
        before = set(organization.app_keys)
        ended = desk(*CREATE, "--secret-file", "new.key")
        assert ended.code == 0
        [made] = set(organization.app_keys) - before
        secret = organization.app_keys[made].secret
        assert (tmp_path / "new.key").read_text() == secret + "\n"
        assert stat.S_IMODE((tmp_path / "new.key").stat().st_mode) == 0o600
        assert not [text for text in desk.said if secret in text]

    def test_where_the_file_cannot_be_written_no_key_is_made(
        self, desk: Cli, server: SandboxServer, tmp_path: Path
    ) -> None:
        (tmp_path / "there").touch()
        assert desk(*CREATE, "--secret-file", "there").code == 2
        assert desk(*CREATE, "--secret-file", "no/folder/key").code == 9
        assert server.writes == []

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            (("credential", "create", "nobody", "--name", "x", "--scope", "dashboards_read", *WHY), 2),
            (("credential", "create", "robot-ci", "--name", "x", "--scope", "dashbords_read", *WHY), 2),
            (("credential", "create", "robot-ci", "--name", "x", *WHY), 2),
            (("credential", "create", "robot-ci", "--name", "ci-old", "--scope", "dashboards_read", *WHY), 2),
            (("credential", "create", "robot-ci", "--name", "x\ny", "--scope", "dashboards_read", *WHY), 2),
            (("credential", "create", "robot-ci", "--name", "x", "--scope", "dashboards_read", "--reason", "x"), 2),
        ],
    )
    def test_bad_input_is_refused_before_anything_is_sent(
        self, desk: Cli, server: SandboxServer, changed: tuple[str, ...], code: int
    ) -> None:
        ended = desk(*changed)
        assert ended.code == code, ended.err
        assert server.writes == []

    def test_nobody_gets_a_key_but_service_accounts(
        self, desk: Cli, server: SandboxServer, organization: Organization
    ) -> None:
        person = next(one for one in organization.users.values() if one.status == "Active" and not one.service_account)
        ended = desk("credential", "create", person.email, "--name", "x", "--scope", "dashboards_read", *WHY)
        assert ended.code == 2
        assert "no enabled service account" in ended.err
        assert server.writes == []

    def test_a_secret_that_was_lost_on_the_way_is_said_and_no_second_key_made(
        self, desk: Cli, server: SandboxServer, organization: Organization
    ) -> None:
        server.faults.add(f.Reset(), path=KEYS, method="POST")
        ended = desk(*CREATE, "--secret-file", "new.key")
        assert ended.code == 5
        [made] = [one for one in organization.app_keys.values() if one.name == "deploy"]
        assert f"credential revoke {made.id}" in ended.err
        assert len(server.writes) == 1
        assert not Path("new.key").exists()

    def test_what_nobody_knows_is_10_and_is_not_sent_again(self, desk: Cli, server: SandboxServer) -> None:
        server.faults.add(f.Lost(), path=KEYS, method="POST")
        ended = desk(*CREATE)
        assert ended.code == 10
        assert len(server.writes) == 1
        assert kinds(desk)[-1] == ("write.unknown", "create_application_key")


class TestNarrow:
    def test_fewer_scopes_and_never_others(self, desk: Cli, key: AppKey, server: SandboxServer) -> None:
        assert desk("credential", "narrow", "ci-old", "--scope", "dashboards_write", *WHY).code == 4
        assert server.writes == []
        assert desk("credential", "narrow", "ci-old", "--scope", "dashboards_read", *WHY).code == 0
        assert key.scopes == ("dashboards_read",)

    def test_a_key_that_changed_meanwhile_is_left_alone(
        self, desk: Cli, key: AppKey, organization: Organization, server: SandboxServer
    ) -> None:
        organization.rescope_key(key.id, ["monitors_read"])
        ended = desk("credential", "narrow", "ci-old", "--scope", "dashboards_read", *WHY)
        assert ended.code == 4
        assert "other scopes by now" in ended.err
        assert server.writes == []

    def test_an_answer_that_was_lost_is_read_back(self, desk: Cli, key: AppKey, server: SandboxServer) -> None:
        server.faults.add(f.Status(503), path="/api/v2/application_keys/*", method="PATCH")
        assert desk("credential", "narrow", "ci-old", "--scope", "monitors_read", *WHY).code == 10
        server.faults.clear()
        server.faults.add(f.Reset(), path="/api/v2/application_keys/*", method="PATCH")
        assert desk("credential", "narrow", "ci-old", "--scope", "dashboards_read", *WHY).code == 0
        assert key.scopes == ("dashboards_read",)
        assert kinds(desk)[-1] == ("write.reconciled", "update_application_key")


class TestRotate:
    def test_the_old_key_ends_when_its_successor_was_used(
        self, desk: Cli, key: AppKey, organization: Organization
    ) -> None:
        done = desk.ok("credential", "rotate", "ci-old", *WHY)
        successor = organization.app_keys[done["id"]]
        assert (successor.owner_id, set(successor.scopes or ())) == (key.owner_id, set(key.scopes or ()))
        assert key.id in organization.app_keys
        again = desk("credential", "rotate", "ci-old", *WHY)
        assert again.code == 4
        assert "--finish" in again.err

        early = desk("credential", "rotate", "ci-old", "--finish", *WHY)
        assert early.code == 4
        assert "not used yet" in early.err
        assert key.id in organization.app_keys
        organization.touch_key(successor.id, organization.clock())
        assert desk("credential", "rotate", "ci-old", "--finish", *WHY).code == 0
        assert key.id not in organization.app_keys
        assert successor.id in organization.app_keys

    def test_an_unscoped_key_gets_a_scoped_successor_or_none(
        self, cli: Cli, desk: Cli, organization: Organization, account: User
    ) -> None:
        organization.add_application_key(account.id, None, name="wide")
        assert cli("sync").code == 0
        assert desk("credential", "rotate", "wide", *WHY).code == 2
        done = desk.ok("credential", "rotate", "wide", "--scope", "dashboards_read", *WHY)
        assert organization.app_keys[done["id"]].scopes == ("dashboards_read",)

    def test_without_a_successor_there_is_nothing_to_finish(self, desk: Cli, key: AppKey) -> None:
        ended = desk("credential", "rotate", key.id, "--finish", *WHY)
        assert ended.code == 4
        assert "no successor" in ended.err


class TestRevoke:
    def test_each_kind(self, desk: Cli, organization: Organization, key: AppKey, account: User) -> None:
        person = organization.add_user("leaver@example.com")
        spare, client = organization.add_api_key("spare"), organization.add_oauth_client("Vendor App")
        tokens = [organization.add_token(owner, [], name=owner) for owner in (person.id, account.id)]
        allowed = organization.authorize(client.id, person.id)
        assert desk("sync").code == 0
        for which in (key.id, spare.id, tokens[0].id, tokens[1].id):
            ended = desk("credential", "revoke", which, *WHY)
            assert ended.code == 0, ended.err
        assert desk("credential", "revoke", "Vendor App", *WHY).code == 2
        assert desk("credential", "revoke", "Vendor App", "--user", person.email, *WHY).code == 0
        assert allowed.disabled
        assert key.id not in organization.app_keys
        assert spare.id not in organization.api_keys
        assert not {one.id for one in tokens} & organization.tokens.keys()

    def test_one_that_a_finding_names(self, desk: Cli, organization: Organization, account: User) -> None:
        wide = organization.add_application_key(account.id, None, name="wide")
        organization.leak_key(wide.id)
        assert desk("sync").code == 0
        found = desk.ok("findings", "list")["findings"]
        ids = [one["id"] for one in found if one["subject_id"] == wide.id]
        others = [one["id"] for one in found if one["subject_id"] == account.id or "@" in one["subject"]]
        assert ids
        assert others
        assert desk("credential", "revoke", others[0], *WHY).code == 2
        assert desk("credential", "revoke", ids[0], *WHY).code == 0
        assert wide.id not in organization.app_keys

    def test_what_is_gone_already_is_done(self, desk: Cli, organization: Organization, key: AppKey) -> None:
        organization.delete_application_key(key.id)
        assert desk("credential", "revoke", key.id, *WHY).code == 0
        assert kinds(desk)[-1] == ("write.reconciled", "revoke_application_key")

    def test_a_lost_answer_is_read_back_and_sent_once(self, desk: Cli, server: SandboxServer, key: AppKey) -> None:
        server.faults.add(f.Reset(), path="/api/v2/application_keys/*", method="DELETE")
        assert desk("credential", "revoke", key.id, *WHY).code == 0
        assert len(server.writes) == 1


ONE = {
    "application_key": "/api/v2/application_keys/*",
    "api_key": "/api/v2/api_keys/*",
    "personal_access_token": "/api/v2/personal_access_tokens/*",
    "service_access_token": "/api/v2/service_accounts/*/access_tokens/*",
    "oauth_client": "/api/v2/org_authorized_clients/*",
}
"""Where each kind of credential is asked for by its id."""


def test_a_sync_says_whether_anything_may_be_written(desk: Cli) -> None:
    assert "WRITES ALLOWED" in desk("sync").out
    desk.env(ACCESSSYNC_ALLOWED_OPERATIONS="send_log")
    assert "READ-ONLY" in desk("sync").out
    desk.env(ACCESSSYNC_ALLOWED_OPERATIONS=OPERATIONS, ACCESSSYNC_PROVISION_APP_KEY="")
    assert "READ-ONLY" in desk("sync").out


class TestDoubt:
    """An answer that never came, of each kind of credential."""

    @pytest.fixture
    def revoke(self, desk: Cli, organization: Organization, key: AppKey, account: User, kind: str) -> tuple[str, ...]:
        person = organization.add_user("leaver@example.com")
        which: tuple[str, ...]
        if kind == "oauth_client":
            client = organization.add_oauth_client("Vendor App")
            organization.authorize(client.id, person.id)
            which = (client.id, "--user", person.email)
        elif kind == "application_key":
            which = (key.id,)
        elif kind == "api_key":
            which = (organization.add_api_key("spare").id,)
        else:
            owner = person if kind == "personal_access_token" else account
            which = (organization.add_token(owner.id, [], name="robot").id,)
        assert desk("sync").code == 0
        return ("credential", "revoke", *which, *WHY)

    @pytest.mark.parametrize("kind", ONE)
    def test_what_was_done_is_read_back_and_sent_once(
        self, desk: Cli, server: SandboxServer, revoke: tuple[str, ...]
    ) -> None:
        server.faults.add(f.Reset(), method="DELETE")
        ended = desk(*revoke)
        assert ended.code == 0, ended.err
        assert len(server.writes) == 1
        assert kinds(desk)[-1][0] == "write.reconciled"

    @pytest.mark.parametrize("kind", ONE)
    def test_resuming_settles_what_could_not_be_read_at_once(
        self, desk: Cli, server: SandboxServer, revoke: tuple[str, ...], kind: str
    ) -> None:
        server.faults.add(f.Reset(), method="DELETE")
        server.faults.add(f.Status(503), path=ONE[kind], method="GET", times=None)
        assert desk(*revoke).code == 10
        assert len(desk.ok("provision", "status")["orgs"][0]["unknown"]) == 1
        server.faults.clear()
        [result] = desk.ok("provision", "resume")["results"]
        assert result["outcome"] == "succeeded"
        assert desk.ok("provision", "status")["orgs"][0]["unknown"] == []
        assert len(server.writes) == 1
        assert desk.ok("provision", "resume")["results"] == []

    @pytest.mark.parametrize("kind", ONE)
    def test_what_was_not_done_is_said_once_it_would_have_to_show(
        self, desk: Cli, server: SandboxServer, revoke: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.faults.add(f.Lost(), method="DELETE")
        assert desk(*revoke).code == 10
        early = desk("provision", "resume", "--json")
        assert early.code == 10
        assert early.json["results"][0]["outcome"] == "unknown"
        monkeypatch.setattr("accesssync.jobs.provision.key_doubt.LAG", timedelta(0))
        late = desk("provision", "resume", "--json")
        assert late.code == 5
        assert "was not done" in late.json["results"][0]["detail"]
        assert len(server.writes) == 1
        server.faults.clear()
        assert desk(*revoke).code == 0

    def test_a_key_that_was_made_after_all_is_to_be_ended(
        self, desk: Cli, server: SandboxServer, organization: Organization
    ) -> None:
        server.faults.add(f.Reset(), path=KEYS, method="POST")
        server.faults.add(f.Status(503), path=KEYS, method="GET", nth=2, times=None)
        assert desk(*CREATE).code == 10
        server.faults.clear()
        ended = desk("provision", "resume", "--json")
        [made] = [one.id for one in organization.app_keys.values() if one.name == "deploy"]
        assert ended.code == 5
        assert f"credential revoke {made}" in ended.json["results"][0]["detail"]


class TestGuards:
    def test_where_only_an_approval_is_missing_it_says_what_to_do(
        self, desk: Cli, key: AppKey, server: SandboxServer
    ) -> None:
        desk.env(ACCESSSYNC_APPROVAL="removals")
        ended = desk("credential", "revoke", key.id, *WHY)
        assert ended.code == 4
        assert "ACCESSSYNC_APPROVAL=never" in ended.err
        assert server.writes == []

    def test_never_our_own_keys(self, desk: Cli, server: SandboxServer, organization: Organization) -> None:
        reading = organization.app_keys_by_secret[server.app_key]
        writing = organization.app_keys_by_secret[str(server.provision_app_key)]
        door = organization.api_keys_by_secret[server.api_key]
        for one in (reading.id, writing.id, door.id):
            ended = desk("credential", "revoke", one, *WHY)
            assert ended.code == 4, ended.err
            assert "accesssync itself uses" in ended.err or "the provisioning key itself" in ended.err
        assert server.writes == []

    def test_what_is_not_allowed_is_not_sent(self, desk: Cli, server: SandboxServer, key: AppKey) -> None:
        desk.env(ACCESSSYNC_ALLOWED_OPERATIONS="create_application_key")
        ended = desk("credential", "revoke", key.id, *WHY)
        assert ended.code == 4
        assert "ACCESSSYNC_ALLOWED_OPERATIONS does not name revoke_application_key" in ended.err
        assert server.writes == []
        assert kinds(desk) == []

    def test_an_unscoped_or_poor_key_is_refused(
        self, desk: Cli, server: SandboxServer, organization: Organization, key: AppKey
    ) -> None:
        owner = organization.app_keys_by_secret[str(server.provision_app_key)].owner_id
        for scopes, told in ((None, "not scoped"), (("user_access_read",), "org_app_keys_write")):
            poor = organization.add_application_key(owner, scopes)
            desk.env(ACCESSSYNC_PROVISION_APP_KEY=poor.secret)
            ended = desk("credential", "revoke", key.id, *WHY)
            assert ended.code == 4
            assert told in ended.err
        assert server.writes == []

    def test_the_days_budget_holds_for_one_at_a_time_too(
        self, desk: Cli, organization: Organization, account: User, server: SandboxServer
    ) -> None:
        desk.env(ACCESSSYNC_GUARD_REMOVALS="2")
        made = [organization.add_application_key(account.id, ["dashboards_read"], name=f"k{n}").id for n in range(3)]
        assert desk("sync").code == 0
        codes = [desk("credential", "revoke", one, *WHY).code for one in made]
        assert codes == [0, 0, 4]
        assert len(server.writes) == 2

    def test_the_protected_keep_theirs(self, desk: Cli, key: AppKey, server: SandboxServer) -> None:
        desk.env(ACCESSSYNC_PROTECTED="ops@example.com")
        ended = desk("credential", "revoke", key.id, *WHY)
        assert ended.code == 4
        assert "protected" in ended.err
        assert server.writes == []

    def test_where_the_log_cannot_be_written_nothing_is_sent(
        self, desk: Cli, key: AppKey, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from accesssync.errors import StoreError

        def full(*_arguments: object) -> None:
            raise StoreError("the database is full")

        monkeypatch.setattr("accesssync.store.intents.append", full)
        assert desk("credential", "revoke", key.id, *WHY).code == 9
        assert server.writes == []
