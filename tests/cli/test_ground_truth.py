"""On invented organizations every problem that was put in is found, and nothing else is raised at medium or above."""

import json
from datetime import UTC, datetime
from urllib.request import Request, urlopen

import pytest

from accesssync.sandbox import SandboxServer, generate
from accesssync.sandbox.problems import Census
from tests.cli.conftest import Cli, make_cli

WORDS = {
    "asleep": {"AS-ID-01"},
    "powerful_asleep": {"AS-PRIV-05"},
    "never_came": {"AS-ID-02"},
    "outsider": {"AS-ID-08"},
    "outsider_in_control": {"AS-PRIV-06"},
    "powerful_machine": {"AS-NHI-01"},
    "idle_machine": {"AS-NHI-03"},
    "machine_in_disguise": {"AS-NHI-05"},
    "shared_mailbox": {"AS-ID-11"},
    "login_of_a_machine": {"AS-NHI-04"},
    "leaked": {"AS-KEY-01"},
    "unscoped": {"AS-KEY-02"},
    "old": {"AS-KEY-03"},
    "idle": {"AS-KEY-04"},
    "key_of_a_leaver": {"AS-KEY-06"},
    "endless": {"AS-KEY-07"},
    "personal_in_production": {"AS-NHI-06"},
    "control_in_a_role": {"AS-PRIV-03"},
    "toxic_role": {f"AS-SOD-{n:02}" for n in range(1, 15)},
    "toxic_person": {f"AS-SOD-{n:02}" for n in range(1, 15)},
    "mapping_to_control": {"AS-MAP-01"},
    "client_writes_for_many": {"AS-APP-02"},
    "many_admins": {"AS-PRIV-01"},
}
"""The sandbox's words for what is wrong, and the checks that have to say so."""

OF_MACHINES = {"powerful_machine", "idle_machine", "machine_in_disguise", "shared_mailbox"}
PRESSING = {"critical", "high", "medium"}


@pytest.mark.parametrize(("users", "seed"), [(400, 1), (600, 7)])
def test_every_planted_problem_is_found_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, users: int, seed: int
) -> None:
    now = datetime.now(UTC)
    organization = generate(users, seed, now)
    cli: Cli = make_cli(monkeypatch, sqlite_url)
    with SandboxServer(organization, rate_limit=100_000) as server:
        cli.use(server)
        cli.ok("sync")
        truth = Census(organization, now).problems()
    listed = cli.ok("findings", "list")["findings"]
    found = {(one["check"], one["subject_id"]) for one in listed if one["severity"] in PRESSING}
    truth = {(word, "default" if word == "many_admins" else subject) for word, subject in truth}
    assert len({word for word, _ in truth}) >= 18
    labels = {one["id"]: one["classification"]["label"] for one in cli.ok("identities")["identities"]}
    machines = {one for word, one in truth if word in OF_MACHINES}
    # How well machines are told from people is measured elsewhere. Here most of them have to be, so that this says
    # something; who is yet to be decided about, or is taken for a person, is left out.
    assert sum(labels[one] == "nhi" for one in machines) >= 0.8 * len(machines)
    unclear = {one for one in machines if labels[one] != "nhi"}
    truth = {(word, one) for word, one in truth if one not in unclear}
    found = {(check, one) for check, one in found if one not in unclear}
    missed = sorted((word, one) for word, one in truth if not any((check, one) in found for check in WORDS[word]))
    expected = {(check, one) for word, one in truth for check in WORDS[word]}
    assert (missed, sorted(found - expected)) == ([], [])


def test_the_same_truth_over_the_control_interface(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    now = datetime.now(UTC)
    organization = generate(120, 3, now)
    with SandboxServer(organization) as server:
        cli = make_cli(monkeypatch, sqlite_url)
        cli.use(server)
        answer = urlopen(  # noqa: S310 - the look-alike, on this machine
            Request(f"{server.url}/_sandbox/problems", headers={"x-sandbox-control": server.info.control_token})  # noqa: S310
        )
        told = {(one["problem"], one["id"]) for one in json.loads(answer.read())}
    assert told == Census(organization, now).problems()
