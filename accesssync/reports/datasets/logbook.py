"""What accesssync itself did: what it wrote to Datadog, how it looked, and what reviews decided."""

from collections.abc import Iterator
from functools import partial
from hashlib import sha256

from msgspec import json

from accesssync.reports.dataset import Column, Dataset, Kind, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.material import Attempt, Material

PROVISIONING = (
    shared.ORG,
    Column("action_id", "id", "The number of the write."),
    Column("requested_at", "moment", "When it was planned."),
    Column("requested_by", "text", "Who asked for it.", personal=True),
    Column("approved_by", "list", "Who approved its plan.", personal=True),
    Column("ticket", "id", "The digest of the plan that it belongs to; empty where it was asked for by itself."),
    Column("action", "text", "The operation, such as grant_role or disable_user."),
    Column("target", "text", "Whom or what it was done to.", personal=True),
    Column("target_id", "id", "The id of that.", personal=True),
    Column("payload_digest", "id", "SHA-256 of what was asked for."),
    Column("executed_at", "moment", "When it was sent; empty where it was not."),
    Column("executed_with_key_id", "id", "Not kept."),
    Column("http_status", "count", "What Datadog answered."),
    Column("result", "text", "succeeded, failed, unknown, skipped or not_attempted."),
    Column("detail", "text", "Why, in words.", personal=True),
    Column("verified_at", "moment", "When what came of it was known."),
    Column("verified_run_id", "id", "Empty: writes are read back, not waited for."),
)

SYNC_RUNS = (
    shared.ORG,
    Column("run_id", "id", "The run."),
    Column("status", "text", "succeeded, partial, failed or abandoned."),
    Column("published", "flag", "Whether what it saw was taken into the history."),
    Column("started", "moment", "When the listing began; the run, where it listed nothing."),
    Column("finished", "moment", "When the listing ended; the run, where it listed nothing."),
    Column("collection", "text", "What was listed; empty where the run ended before it listed anything."),
    Column("state", "text", "complete, incomplete, denied, failed or skipped."),
    Column("api_total_last", "count", "How many Datadog said there are; empty where it gives no total."),
    Column("fetched", "count", "How many records were received."),
    Column("passes", "count", "How often the whole listing was read to prove it."),
    Column("degraded", "count", "Records of which some attribute could not be understood."),
    Column("complete", "flag", "Whether the listing was proven complete."),
    Column("reason", "text", "Why it was not."),
    Column("errors", "text", "What ended the run, where something did."),
    Column("tool_version", "text", "The version of accesssync that made the run."),
)

_ATTESTATIONS: tuple[tuple[str, Kind, str, bool], ...] = (
    ("review_id", "id", "The access review.", False),
    ("review_name", "text", "Its name.", False),
    ("review_type", "text", "What it was about: grants, credentials or roles.", False),
    ("review_created_at", "moment", "When it was opened.", False),
    ("review_due_at", "moment", "Until when decisions were wanted.", False),
    ("review_ended_at", "moment", "When it was closed.", False),
    ("review_status", "text", "How far it has come.", False),
    ("review_owner", "text", "Who is responsible for it.", True),
    ("item_id", "id", "The item.", False),
    ("principal_id", "id", "Whose access it is.", True),
    ("principal_name", "text", "Whose access it is, by name.", True),
    ("principal_email", "text", "Whose access it is, by address.", True),
    ("principal_type", "text", "human, service_account, nhi, nhi_suspected or unknown.", False),
    ("resource_id", "id", "The role or credential.", False),
    ("resource_name", "text", "The role or credential, by name.", False),
    ("reviewer_id", "id", "Who decided.", True),
    ("reviewer_name", "text", "Who decided, by name.", True),
    ("reviewer_email", "text", "Who decided, by address.", True),
    ("decided_at", "moment", "When.", False),
    ("decision", "text", "approve, revoke, reduce or abstain; empty: not reviewed.", False),
    ("recommendation", "text", "What was suggested.", False),
    ("recommendation_reason", "text", "Why that was suggested.", False),
    ("comment", "text", "The reviewer's reason.", False),
    ("delegated_from", "text", "Who was to decide first.", True),
    ("level", "count", "The level of the decision.", False),
    ("signed_by", "text", "Who signed the decisions.", True),
    ("signed_at", "moment", "When.", False),
    ("statement", "text", "What was signed.", False),
    ("apply_action", "text", "What was to be done.", False),
    ("apply_result", "text", "What came of it.", False),
    ("applied_at", "moment", "When it was done.", False),
    ("applied_by", "text", "Who did it.", True),
    ("verified_at", "moment", "When a later run showed that it was done.", False),
    ("verified_run_id", "id", "That run.", False),
    ("evidence_file", "text", "The file that the decision came in.", False),
    ("evidence_sha256", "id", "The hash of that file.", False),
)
ATTESTATIONS = (shared.ORG, *(Column(name, kind, means, personal) for name, kind, means, personal in _ATTESTATIONS))

NO_REVIEWS = "attestations is empty: no access reviews are recorded"

_RESULTS = {
    "confirmed": "succeeded",
    "rejected": "failed",
    "unknown": "unknown",
    "sent": "unknown",
    "skipped": "skipped",
    "planned": "not_attempted",
    "intent": "not_attempted",
}


def provisioning_log(material: Material) -> Dataset:
    """Every write to Datadog that was planned, oldest first."""
    return Dataset("provisioning_log", "Provisioning log", "write", PROVISIONING, partial(_attempts, material))


def sync_runs(material: Material) -> Dataset:
    """What each run of the last quarter listed, and how completely, oldest first."""
    return Dataset("sync_runs", "Runs", "run x collection", SYNC_RUNS, partial(_looks, material))


def attestations(material: Material) -> Dataset:
    """Every item of every access review."""
    return Dataset("attestations", "Attestations", "review item", ATTESTATIONS, partial(_decided, material))


def _attempts(material: Material) -> Iterator[Row]:
    for one in material.attempts():
        digest = sha256(json.encode(one.action, order="deterministic")).hexdigest()
        yield (
            material.org, str(one.id), one.requested_at, one.requested_by, one.approved_by, one.plan, one.operation,
            one.subject, one.subject_id, digest, one.sent_at, None, one.http_status, _result(one), one.detail,
            one.ended_at, None,
        )  # fmt: skip


def _result(one: Attempt) -> str:
    if one.state == "reconciled":
        return "succeeded" if one.done else "failed"
    return _RESULTS.get(one.state, "unknown")


def _looks(material: Material) -> Iterator[Row]:
    for one in material.looks():
        yield (
            material.org, f"run-{one.run_id}", one.status, one.published, one.started_at, one.finished_at,
            one.resource, one.state, one.expected, one.received, one.passes, one.degraded,
            None if one.state is None else one.state == "complete", one.reason, one.error, one.program_version,
        )  # fmt: skip


def _decided(_material: Material) -> Iterator[Row]:
    return iter(())
