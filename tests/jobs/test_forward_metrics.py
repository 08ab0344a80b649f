"""The figures of an organization: the same as by counting one by one, and unknown where nobody looked."""

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from accesssync.errors import DeniedError, ResponseError
from accesssync.forward.metrics import CREDENTIAL_AGES, FINDING_AGES, OrgFigures
from accesssync.jobs.findings.picture import picture_at
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.forward.metrics import org_figures
from accesssync.jobs.inventory import view_at
from accesssync.model.coverage import Resource
from accesssync.store import findings, gauges, inventory, runs
from accesssync.store.decisions import DecisionRecord, add_decisions
from tests.builders import NOW, Clock, FakeSource, Org, Syncing, identity, permission, role

POWER = permission(9, name="user_access_manage")


def crowd() -> Org:
    org = Org(2)
    org.put(POWER, role(9, name="Keymaster", permission_ids=("perm-9",)), role(8, name="Bare", permission_ids=()))
    org.put(
        identity(3, role_ids=("role-9", "role-1")),
        identity(4, role_ids=("role-9",), status="Disabled", disabled=True),
        identity(5, status="Pending", role_ids=("role-9", "role-8")),
        identity(6, status=None, disabled=None, role_ids=()),
        identity(7, status="Weird", role_ids=()),
        identity(8, service_account=True, name="robot", email="robot@example.com", role_ids=("role-9",)),
        identity(9, name="Deploy Bot", email="deploy-bot@example.com", handle="deploy-bot@example.com"),
    )
    return org


def of(engine: Engine, sync: Syncing) -> OrgFigures:
    org = runs.find_org(engine, "acme")
    assert org is not None
    return org_figures(engine, org, sync.clock.time)


def counted(engine: Engine) -> tuple[Counter[Any], Counter[str]]:
    """The same by looking at everybody, as the checks do."""
    org = runs.find_org(engine, "acme")
    view = view_at(engine, org, None) if org else None
    assert view is not None
    picture = picture_at(engine, view, Rulebook(), NOW)
    status = {"Active": "active", "Pending": "pending", "Disabled": "disabled", None: "unknown", "Weird": "other"}
    pairs: Counter[Any] = Counter()
    privileged: Counter[str] = Counter()
    for one in picture.access.identities.values():
        label = picture.known(one).label
        pairs[label, status[one.status]] += 1
        privileged[label] += bool(picture.privileged(one) and not one.disabled)
    return pairs, privileged


def test_identities_and_the_privileged_are_counted_as_the_checks_see_them(engine: Engine, sync: Syncing) -> None:
    sync(FakeSource(crowd()))
    found = of(engine, sync)
    pairs, privileged = counted(engine)
    assert found.identities == dict(pairs)
    assert Counter(found.privileged) == privileged
    assert privileged["nhi"] == 1
    assert sum(found.identities.values()) == 9


def test_what_people_decided_counts_before_the_evidence(engine: Engine, sync: Syncing) -> None:
    done = sync(FakeSource(crowd()))
    assert done.run is not None
    record = DecisionRecord(
        identity_id="user-0003", decided_at=NOW, decided_by="ada", label="nhi", kind=None, owner="ada", purpose=None,
        reason="a robot", review_by=None, computed="human", score=0, signals=(), ruleset="",
    )  # fmt: skip
    add_decisions(engine, [(done.run.org_id, record)], "ada")
    before = of(engine, sync)
    assert (before.privileged or {})["nhi"] == 2
    assert Counter(before.identities) == counted(engine)[0]


def test_nothing_is_known_of_an_organization_that_was_never_read(engine: Engine, sync: Syncing) -> None:
    runs.ensure_org(engine, "acme", "datadoghq.eu", NOW)
    assert of(engine, sync) == OrgFigures(org="acme")


def test_what_was_denied_is_unknown_and_not_proven(engine: Engine, sync: Syncing) -> None:
    source = FakeSource(crowd())

    def before(resource: Resource, _page: int) -> None:
        if resource is Resource.ROLES:
            raise DeniedError("no", permission="user_access_read")

    source.before = before
    sync(source, skip=[Resource.TEAMS])
    found = of(engine, sync)
    assert (found.privileged, found.identities is None) == (None, False)
    assert (found.proven[Resource.ROLES], found.proven[Resource.USERS]) == (False, True)
    assert Resource.TEAMS not in found.proven


def test_what_was_known_stays_known_while_a_run_fails(engine: Engine, sync: Syncing) -> None:
    org = crowd()
    sync(FakeSource(org))
    good = of(engine, sync)
    source = FakeSource(org)
    source.failing_account = ResponseError("HTTP 500", status=500)
    sync.clock.advance(hours=1)
    sync(source)
    found = of(engine, sync)
    assert (found.identities, found.privileged) == (good.identities, good.privileged)
    assert found.sync_age is not None
    assert found.sync_age > 3600
    assert found.proven == good.proven


def test_ages_of_findings_and_credentials_fall_into_their_buckets(engine: Engine) -> None:
    sync = Syncing(engine, Clock(NOW))
    sync(FakeSource(crowd()))
    org = runs.find_org(engine, "acme")
    assert org is not None
    total = findings.open_by_severity(engine, org.id, NOW.date())
    seen: dict[str, str] = {}
    for days in (0, 6, 8, 29, 31, 89, 91, 400):
        counts = gauges.count_findings(engine, org.id, sync.clock.time + timedelta(days=days), FINDING_AGES)
        assert Counter({name: total[name] for name in total}) == _by_severity(counts)
        [seen[str(days)]] = {age for _, age in counts}
    assert list(seen.values()) == [
        "under_7d", "under_7d", "7_30d", "7_30d", "30_90d", "30_90d", "over_90d", "over_90d",
    ]  # fmt: skip
    view = view_at(engine, org, None)
    assert view is not None
    assert gauges.count_credentials(engine, view.moment, NOW, CREDENTIAL_AGES, "unknown") == {}
    assert inventory.current_counts(engine, org.id)["application_keys"] == 0


def _by_severity(counts: dict[tuple[str, str], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (severity, _), count in counts.items():
        found[severity] += count
    return found
