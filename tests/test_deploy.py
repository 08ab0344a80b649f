"""What lies in deploy/ is sound as far as that can be told without a cluster: names, limits, rights, exit codes."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from accesssync import errors
from accesssync.settings import OrgForm, Settings, load

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "accesssync.service"
KNOWN = {str(each.alias) for each in Settings.model_fields.values()}
STOP_SECONDS = Settings.model_fields["worker_stop_seconds"].default


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def of_kind(kind: str) -> dict[str, Any]:
    every = documents("kubernetes/worker.yaml") + documents("kubernetes/cronjob.yaml")
    [found] = [each for each in every if each["kind"] == kind]
    return found


def pods() -> Iterator[dict[str, Any]]:
    yield of_kind("Deployment")["spec"]["template"]["spec"]
    yield of_kind("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def settings_named() -> Iterator[str]:
    """Every variable that a file of the folder sets for accesssync."""
    yield from of_kind("ConfigMap")["data"]
    worker = documents("compose.yaml")[0]["services"]["worker"]
    yield from worker["environment"]
    yield from worker["secrets"]
    yield from (a or b for a, b in re.findall(r"^(?:Environment=(\w+)=|LoadCredential=(\w+):)", UNIT.read_text(), re.M))
    yield from re.findall(r"\b((?:ACCESSSYNC|DD)_\w+)=", (DEPLOY / "Dockerfile").read_text())


def test_every_setting_that_is_named_exists() -> None:
    assert {each for each in settings_named() if each not in KNOWN} == set()
    assert "SITE" in {str(each.alias) for each in OrgForm.model_fields.values()}


def test_the_settings_of_the_cluster_and_of_compose_are_accepted(tmp_path: Path) -> None:
    for given in (of_kind("ConfigMap")["data"], documents("compose.yaml")[0]["services"]["worker"]["environment"]):
        secrets = tmp_path / "secrets"
        secrets.mkdir(exist_ok=True)
        (secrets / "ACCESSSYNC_DATABASE_URL").write_text("postgresql+psycopg://me:word@postgres/accesssync\n")
        (secrets / "DD_API_KEY").write_text("0" * 32)
        (secrets / "DD_APP_KEY").write_text("1" * 40)
        settings = load(environ={**given, "ACCESSSYNC_SECRETS_DIR": str(secrets)})
        assert settings.warnings == ()
        assert settings.database_url.get_secret_value().startswith("postgresql")
        assert settings.worker_mode == "queue"
        settings.organizations(need_keys=True)


@pytest.mark.parametrize("pod", list(pods()))
def test_a_pod_has_no_right_that_it_does_not_need(pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert pod["terminationGracePeriodSeconds"] > STOP_SECONDS
    [container] = pod["containers"]
    limits = container["securityContext"]
    assert limits["readOnlyRootFilesystem"] is True
    assert limits["allowPrivilegeEscalation"] is False
    assert limits["capabilities"]["drop"] == ["ALL"]
    assert not container["image"].endswith(":latest")
    assert "memory" in container["resources"]["limits"]
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["volumes"]}


def test_probes_ask_what_the_worker_answers() -> None:
    [container] = next(pods())["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    port = container["ports"][0]["containerPort"]
    assert of_kind("ConfigMap")["data"]["ACCESSSYNC_WORKER__HEALTH"].endswith(f":{port}")
    assert f"EXPOSE {port}" in (DEPLOY / "Dockerfile").read_text()


def test_every_exit_code_means_something_for_trying_again() -> None:
    """Only what may be better next time is tried again: Datadog's failures and the database's."""
    codes = {
        each.exit_code
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.AccessSyncError)
    }
    [rule] = [
        each["onExitCodes"]
        for each in of_kind("CronJob")["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
        if "onExitCodes" in each
    ]
    assert rule["operator"] == "In"
    assert codes - set(rule["values"]) == {errors.UpstreamError.exit_code, errors.StoreError.exit_code}
    [container] = list(pods())[1]["containers"]
    assert rule["containerName"] == container["name"]


def test_compose_gives_no_right_that_is_not_needed() -> None:
    [document] = documents("compose.yaml")
    worker = document["services"]["worker"]
    assert worker["read_only"] is True
    assert worker["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in worker["security_opt"]
    assert float(worker["stop_grace_period"].removesuffix("s")) > STOP_SECONDS
    assert set(worker["secrets"]) < set(document["secrets"])
    assert not [each for each in document["services"].values() if "ports" in each]


def test_the_image_is_pinned_by_hashes_has_two_stages_and_no_root() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    stages = text.split("\nFROM ")[1:]
    assert len(stages) == 2
    assert "--require-hashes -r requirements.lock" in stages[0]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", stages[1], re.M)
    assert "://" not in text.replace("sqlite:///", "").replace("http://127.0.0.1", "")
    ignored = (ROOT / ".dockerignore").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        for source in line.split():
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored.splitlines()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_unit_and_finds_little_to_blame(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/accesssync/bin/accesssync", sys.executable))
    verify = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(verify, capture_output=True, text=True, timeout=60, check=False)
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert complaints == []
    security = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", str(unit)]
    done = subprocess.run(security, capture_output=True, text=True, timeout=60, check=False)
    if "not found" not in done.stderr and "Failed to" not in done.stderr:
        assert done.returncode == 0, done.stdout[-600:]


def test_the_unit_waits_longer_than_the_worker_needs() -> None:
    text = UNIT.read_text()
    stop = re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)
    assert stop
    assert float(stop[1]) > STOP_SECONDS
    assert "Type=notify" in text
