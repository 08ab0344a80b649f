"""Provisioning against a sandbox that loses answers, many times over; and how long a large plan takes.

    python -m benchmarks.provision [--runs 200] [--first-seed 0] [--invitations 1000]

In every run a share of the writes fails before it is done and another share afterwards. At the end the organization
has to be exactly as the file says, nobody may be there or be invited twice, and every doubt has to be told.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from pydantic import SecretStr

from accesssync.jobs.opening import open_to_write
from accesssync.jobs.provision.apply import Applied, World, apply
from accesssync.jobs.provision.doors import doors, observe_once
from accesssync.jobs.provision.plan import Planned, plan_from
from accesssync.jobs.provision.plan_file import read
from accesssync.jobs.provision.result import Became
from accesssync.jobs.provision.resume import resume, unfinished
from accesssync.model.operation import PROVISIONING
from accesssync.sandbox import Organization, SandboxServer, User, generate
from accesssync.sandbox import faults as f
from accesssync.settings import OrgForm, Settings
from accesssync.store.engine import Database

ORG = "acme"
ROLES = ("Datadog Standard Role", "Datadog Read Only Role", "Billing Viewer")
NEW = 5
MOST_RESUMES = 60


@dataclass(frozen=True)
class Run:
    """What one run came to. `wrong` is empty where everything is as promised."""

    seed: int
    writes: int
    resumes: int
    unknown: int
    wrong: tuple[str, ...]


class Desk:
    """Somebody who provisions one sandbox."""

    def __init__(self, server: SandboxServer, folder: Path) -> None:
        key = server.provision_app_key
        if key is None:
            raise LookupError("the sandbox has no provisioning key")
        form = OrgForm(
            api_key=SecretStr(server.api_key),
            app_key=SecretStr(server.app_key),
            provision_app_key=SecretStr(key),
            allowed_operations=frozenset(PROVISIONING),
            api_url=server.url,
        )
        database = SecretStr(f"sqlite:///{folder / 'accesssync.db'}")
        self.settings = Settings(orgs={ORG: form}, database_url=database, concurrency=4, read_timeout=5.0)
        self.folder = folder
        self.database: Database = open_to_write(self.settings)
        self._rng = Random(1)  # noqa: S311 - waits, nothing secret
        self.doors = doors(
            self.settings, sleep=time.sleep, monotonic=time.monotonic, rng=self._rng, on_event=lambda _event: None
        )
        self.world = World(clock=_now, sleep=time.sleep, on_done=lambda _done, _total: None)

    def sync(self) -> None:
        """Look at the organization."""
        [org] = self.settings.organizations()
        observe_once(
            self.database,
            self.settings,
            org,
            clock=_now,
            sleep=time.sleep,
            monotonic=time.monotonic,
            rng=self._rng,
            by="benchmark",
        )

    def plan(self, text: str) -> Planned:
        """The plan of a file."""
        path = self.folder / "access.yaml"
        path.write_text(f"version: 1\norg: {ORG}\n{text}", encoding="utf-8")
        return plan_from(
            self.database,
            self.settings,
            path,
            [],
            self.doors,
            lambda _org: self.sync(),
            mode=None,
            author="benchmark",
            now=_now(),
        )

    def apply(self, planned: Planned) -> Applied:
        """Carry a plan out."""
        ready = read(self.database, self.settings, planned.content, "plan.json", [])
        return apply(self.database, self.settings, ready, self.doors, self.world, by="benchmark")

    def resume(self) -> list[Applied]:
        """Finish what is left."""
        [org] = self.settings.organizations()
        return [
            resume(self.database, self.settings, org, digest, self.doors, self.world, by="benchmark")
            for digest in unfinished(self.database, org)
        ]


@contextmanager
def desk(users: int, seed: int) -> Iterator[tuple[Desk, SandboxServer]]:
    """A sandbox with a desk in front of it."""
    organization = generate(users, seed, datetime.now(UTC))
    with (
        tempfile.TemporaryDirectory(prefix="accesssync-provision-") as folder,
        SandboxServer(organization, rate_limit=1_000_000) as server,
    ):
        made = Desk(server, Path(folder))
        try:
            yield made, server
        finally:
            made.database.dispose()


def one_run(seed: int) -> Run:
    """Add people, change one and let one go, while answers get lost; then look whether all is as promised."""
    chance = Random(seed)  # noqa: S311 - what is asked for, nothing secret
    with desk(60, seed) as (made, server):
        organization = server.organization
        wanted = {f"new{number}@example.com": _some(chance) for number in range(NEW)}
        old = _ordinary(organization)
        changed, leaver = old[0], old[1]
        wanted[changed.email] = _some(chance)
        text = "mode: authoritative\nusers:\n" + "".join(
            f"  - {{email: {email}, roles: [{', '.join(roles)}]}}\n" for email, roles in wanted.items()
        )
        text += f"absent:\n  - email: {leaver.email}\n"
        planned = made.plan(text)
        server.forget_requests()
        server.faults.add(f.Unreliable(before=0.2, after=0.2, seed=seed), times=None)
        results = list(made.apply(planned).results)
        resumes = 0
        while resumes < MOST_RESUMES and (more := made.resume()):
            results = [one for applied in more for one in applied.results]
            resumes += 1
        server.faults.clear()
        writes = len(server.writes)
        told = {one.subject for one in results if one.outcome is Became.UNKNOWN}
        wrong = [*_wrong(organization, wanted, leaver), *_mails(organization, wanted, told, changed)]
        made.sync()
        wrong += [f"still to do: {one.operation} {one.subject}" for one in made.plan(text).plan.actions]
    return Run(seed, writes, resumes, len(told), tuple(wrong))


def _wrong(organization: Organization, wanted: dict[str, list[str]], leaver: User) -> Iterator[str]:
    users = list(organization.users.values())
    for email, roles in wanted.items():
        found = [one for one in users if one.email == email and not one.service_account]
        if len(found) != 1:
            yield f"{email} is there {len(found)} times"
            continue
        names = {organization.roles[role_id].name for role_id in found[0].role_ids}
        if names != set(roles):
            yield f"{email} holds {sorted(map(str, names))}, not {sorted(roles)}"
    if not organization.users[leaver.id].disabled:
        yield f"{leaver.email} is not disabled"


def _mails(organization: Organization, wanted: dict[str, list[str]], told: set[str], changed: User) -> Iterator[str]:
    sent = Counter(organization.users[one.user_id].email for one in organization.invitations.values())
    for email in wanted:
        count = sent.pop(email, 0)
        if email == changed.email:
            continue
        if count > 1:
            yield f"{email} got {count} invitations"
        if count == 0 and email not in told:
            yield f"{email} got no invitation, and nobody said so"
    yield from (f"{email} got an invitation that nobody asked for" for email in sent)


def _some(chance: Random) -> list[str]:
    return chance.sample(ROLES, chance.randint(1, len(ROLES)))


def _ordinary(organization: Organization) -> list[User]:
    """People of the Standard role alone, in a fixed order."""
    [role] = [one.id for one in organization.roles.values() if one.name == ROLES[0]]
    found = [
        one
        for one in organization.users.values()
        if one.role_ids == (role,) and one.status == "Active" and not one.service_account and one.email.isascii()
    ]
    return sorted(found, key=lambda one: one.email)


@dataclass(frozen=True)
class Bulk:
    """Seconds that many invitations at once take to plan and to apply, and the requests that were sent."""

    planning: float
    applying: float
    writes: int
    reads: int


def time_bulk(invitations: int) -> Bulk:
    """Plan and apply so many invitations, from the file to the last confirmed write."""
    with desk(1_000, 1) as (made, server):
        made.sync()
        text = "users:\n" + "".join(
            f"  - {{email: new{number}x@example.com, name: New {number}, roles: [{ROLES[0]}, {ROLES[1]}]}}\n"
            for number in range(invitations)
        )
        started = time.perf_counter()
        planned = made.plan(text)
        planning = time.perf_counter() - started
        server.forget_requests()
        started = time.perf_counter()
        done = made.apply(planned)
        applying = time.perf_counter() - started
        if any(one.outcome is not Became.SUCCEEDED for one in done.results):
            raise RuntimeError("not everything was applied")
        writes = len(server.writes)
        return Bulk(planning, applying, writes, len(server.requests) - writes)


def _now() -> datetime:
    return datetime.now(UTC)


def main(arguments: Sequence[str]) -> int:
    """Run and print; 1 where a run did not come to what it should."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.provision", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--invitations", type=int, default=1_000)
    options = parser.parse_args(arguments)
    bulk = time_bulk(options.invitations)
    print(
        f"{options.invitations:,} invitations planned in {bulk.planning:.2f} s, applied in {bulk.applying:.1f} s: "
        f"{bulk.writes:,} writes, {bulk.reads:,} reads",
        flush=True,
    )
    started, runs = time.perf_counter(), []
    for seed in range(options.first_seed, options.first_seed + options.runs):
        runs.append(one_run(seed))
        for wrong in runs[-1].wrong:
            print(f"seed {seed}: {wrong}", flush=True)
    bad = sum(bool(one.wrong) for one in runs)
    print(
        f"{len(runs):,} runs, {sum(one.writes for one in runs):,} writes sent, "
        f"{sum(one.resumes for one in runs):,} resumes, {sum(one.unknown for one in runs):,} told as unknown, "
        f"{bad:,} runs not as promised; {time.perf_counter() - started:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
