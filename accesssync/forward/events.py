"""The stream of events: what a person should see on a timeline, few and worth a look."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from accesssync.forward.alerts import FindingNews, of_finding
from accesssync.forward.entry import Entry, Stream
from accesssync.forward.telling import About, told_body


def of_finding_news(news: FindingNews, about: About) -> Entry | None:
    """The event of a critical finding that opened or opened again; None for any other."""
    if news.severity != "critical" or news.event == "resolved":
        return None
    alert = of_finding(news, about)
    if alert is None:
        return None
    again = " again" if news.event == "reopened" else ""
    title = f"Critical finding{again} in {about.org}: {alert.body['finding']['title']}"
    return Entry(
        stream=Stream.EVENTS,
        org=about.org,
        dedup_id=alert.dedup_id,
        observed_at=news.at,
        body={**alert.body, "title": title, "about": news.id},
        severity="critical",
    )


def of_refused_removals(org: str, run_id: int, refused: Sequence[str], at: datetime) -> Entry:
    """The event of a run that was kept from believing that so many are gone. `refused` says which and why."""
    text = f"removals were refused: {'; '.join(refused)}"
    body = told_body(
        text,
        "high",
        "guard.removals_refused",
        "guard",
        "failure",
        title=f"Removals refused in {org}",
        about=f"{org} removals",
        run=f"run-{run_id}",
        command=f"accesssync sync --accept-removals N --org {org}",
    )
    return Entry(
        stream=Stream.EVENTS,
        org=org,
        dedup_id=f"removals-refused.run-{run_id}",
        observed_at=at,
        body=body,
        severity="high",
    )


def of_refused_plan(org: str, plan: str, rules: Sequence[str], at: datetime) -> Entry:
    """The event of a plan that guards refuse. A plan refused by the same rules again is the same news."""
    named = sorted(set(rules))
    body = told_body(
        f"the plan {plan[:12]} was refused by {', '.join(named)}",
        "high",
        "guard.plan_refused",
        "guard",
        "failure",
        title=f"Plan refused in {org}",
        about=f"{org} provisioning",
        plan={"digest": plan, "rules": named},
        command=f"accesssync provision status --org {org}",
    )
    digest = blake2b("\x1f".join((plan, *named)).encode(), digest_size=8).hexdigest()
    return Entry(
        stream=Stream.EVENTS,
        org=org,
        dedup_id=f"plan-refused.{digest}",
        observed_at=at,
        body=body,
        severity="high",
    )
