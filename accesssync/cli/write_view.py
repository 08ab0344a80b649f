"""Tell what became of writes: the evidence first, then the command's failure if it is one."""

from collections import Counter
from typing import TYPE_CHECKING

from accesssync.cli.options import Invocation
from accesssync.cli.output import Document, say
from accesssync.cli.provisioning import end
from accesssync.cli.table import Column, print_table
from accesssync.errors import (
    AccessSyncError,
    AuthenticationError,
    PartialError,
    RefusedError,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    from accesssync.jobs.provision.apply import Applied

RESULTS = (
    Column("OPERATION", lambda one: one["operation"], least=11),
    Column("SUBJECT", lambda one: one["subject"], "middle", least=20),
    Column("OUTCOME", lambda one: one["outcome"], least=9),
    Column("WHY", lambda one: one["detail"], "wrap", least=20, sparse=True),
)


def tell_results(invocation: Invocation, done: "list[Applied]") -> None:
    """What became of every action; anything but success is the command's failure, told after the evidence."""
    results = [one for applied in done for one in result_documents(applied)]
    counts = dict(Counter(one["outcome"] for one in results))
    if not invocation.as_json:
        if results:
            told = [one for one in results if one["outcome"] != "succeeded" or one["detail"]]
            if told:
                print_table(RESULTS, told, limit=0, one="result to look at", many="results to look at")
            say(", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in counts.items()))
        else:
            say("nothing to do")
        if results and len(counts) == 1 and "succeeded" in counts:
            say("next: accesssync sync")
    document: Document = {
        "schema": "accesssync.provision_apply/1",
        "digest": done[0].digest or None if done else None,
        "digests": [one.digest for one in done if one.digest],
        "org": done[0].org if done else None,
        "results": results,
        "counts": counts,
    }
    end(invocation, document, error_of(done))


def result_documents(applied: "Applied") -> list[Document]:
    return [
        {
            "operation": one.operation.value,
            "subject": one.subject,
            "subject_id": one.subject_id,
            "outcome": one.outcome.value,
            "detail": one.detail,
        }
        for one in applied.results
    ]


def error_of(done: "list[Applied]") -> AccessSyncError | None:
    """What the results of plans come to as an error; None where all went as planned."""
    from accesssync.jobs.provision.result import Became, worst

    broken = next((one.error for one in done if one.error is not None), None)
    if broken is not None:
        return broken
    results = [one for applied in done for one in applied.results]
    code = worst(results)
    if code == 0:
        return None
    counts = Counter(one.outcome for one in results)
    told = ", ".join(f"{counts[one]:,} {one.value.replace('_', ' ')}" for one in Became if counts[one])
    org = done[0].org
    if code == 10:
        first = next(one for one in results if one.outcome is Became.UNKNOWN)
        message = f"nobody knows whether {first.operation} {first.subject} was done; {told}"
        return UnknownOutcomeError(message, org=org, remedy="see: accesssync provision status")
    bad = next(one for one in results if one.denied or one.outcome is Became.FAILED or one.refused)
    message = f"{bad.operation} {bad.subject}: {bad.detail}; {told}"
    if code == 6:
        return AuthenticationError(message, org=org, remedy="give the key the scope, then: accesssync provision resume")
    if code == 5:
        return PartialError(message, org=org, remedy="mend it, then: accesssync provision resume")
    return RefusedError(message, org=org, remedy="sync, and plan again")
