"""Findings against the truth: what the sandbox says is wrong with its organization, and what was found."""

from accesssync.findings.severity import SEVERITIES
from accesssync.jobs.demo.stage import Act, Stage
from accesssync.jobs.findings.listing import list_findings
from accesssync.jobs.inventory import Document
from accesssync.sandbox.problems import Census

SURE = {
    "leaked": "AS-KEY-01",
    "outsider_in_control": "AS-PRIV-06",
    "outsider": "AS-ID-08",
    "control_in_a_role": "AS-PRIV-03",
    "unscoped": "AS-KEY-02",
    "login_of_a_machine": "AS-NHI-04",
}
"""Some of the sandbox's words for what is wrong, and the check that has to say so."""

_OF_PEOPLE = ("outsider", "outsider_in_control")


def findings(stage: Stage) -> Act:
    """What is wrong with the organization, as the sandbox knows it; then the worst of it is taken away."""
    synced = stage.sync()
    labels = stage.labels()
    truth = {
        (SURE[word], one)
        for word, one in Census(stage.organization, stage.now).problems()
        # How well people are told from machines is what the act before measures.
        if word in SURE and not (word in _OF_PEOPLE and labels.get(one) == "nhi")
    }
    listed = _open(stage)
    found = {(one["check"], one["subject_id"]) for one in listed if one["severity"] in SEVERITIES[:3]}
    told = {pair for pair in found if pair[0] in SURE.values()}
    leaked = [key for key in stage.organization.app_keys.values() if key.leak is not None]
    for key in leaked:
        stage.organization.delete_application_key(key.id)
    after = stage.sync()
    resolved = after.findings.resolved if after.findings else 0
    ids = {one["id"] for one in _open(stage)}
    gone = sum(one["id"] not in ids for one in listed if one["subject_id"] in {key.id for key in leaked})
    counts = {name: sum(one["severity"] == name for one in listed) for name in SEVERITIES}
    pressing = ", ".join(f"{counts[name]:,} {name}" for name in SEVERITIES[:3] if counts[name])
    keys, them = ("key", "it") if len(leaked) == 1 else ("keys", "them")
    missed, invented = len(truth - told), len(told - truth)
    return Act(
        name="findings",
        kept=not missed and not invented and bool(synced.findings) and gone >= len(leaked),
        said=(
            f"{pressing}; {len(truth):,} known beforehand: {len(truth & told):,} found, {invented} invented",
            f"{len(leaked)} leaked {keys} revoked: {gone} findings resolved with {them}",
        ),
        figures={
            "known": len(truth),
            "found": len(truth & told),
            "missed": missed,
            "invented": invented,
            "revoked": len(leaked),
            "resolved": resolved,
        },
    )


def _open(stage: Stage) -> list[Document]:
    return list(list_findings(stage.engine, [], statuses=("open",), now=stage.now))
