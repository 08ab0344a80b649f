"""Play the demonstration: a sandbox, a database of its own, and one act after the other."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from accesssync.jobs.demo.acts import ACTS
from accesssync.jobs.demo.folder import prepared
from accesssync.jobs.demo.stage import ORG, Act, Stage, Surroundings, settings_for
from accesssync.jobs.opening import open_to_write
from accesssync.sandbox import SandboxServer, generate

REQUESTS_A_MINUTE = 600_000
"""The sandbox's rate limit. What the demonstration shows is not how slowly one may go."""


class Played(Struct, frozen=True, kw_only=True):
    """The whole demonstration. `subject` is somebody whose history is worth a look."""

    org: str
    database: Path
    seconds: float
    acts: tuple[Act, ...]
    subject: str

    @property
    def broken(self) -> list[str]:
        """The acts that did not come out as promised."""
        return [act.name for act in self.acts if not act.kept]


def play(folder: Path, users: int, seed: int, surroundings: Surroundings, on_act: Callable[[Act], None]) -> Played:
    """Play every act on an organization of `users` and tell each as it ends. Takes no setting from outside."""
    began = surroundings.monotonic()
    with prepared(folder.absolute()) as database:
        organization = generate(users, seed, surroundings.clock())
        with SandboxServer(organization, seed=seed, rate_limit=REQUESTS_A_MINUTE) as server:
            settings = settings_for(server, database)
            engine = open_to_write(settings)
            try:
                stage = Stage(engine, settings, server, surroundings)
                acts = []
                for act in ACTS:
                    acts.append(act(stage))
                    on_act(acts[-1])
            finally:
                engine.dispose()
    subject = next((change.subject for act in acts for change in act.loud if "@" in change.subject), "")
    seconds = surroundings.monotonic() - began
    return Played(org=ORG, database=database, seconds=seconds, acts=tuple(acts), subject=subject)
