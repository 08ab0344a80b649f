"""What findings are judged by beside the inventory: the governance directory and the settings."""

from collections.abc import Collection, Mapping
from hashlib import sha256

from msgspec import Struct

from accesssync.jobs.governance.directory import Governance
from accesssync.settings import Settings


class Rulebook(Struct, frozen=True, kw_only=True):
    """The governance directory, and the e-mail domains that the settings give each organization; none: inferred."""

    governance: Governance = Governance()
    domains: Mapping[str, Collection[str]] = {}

    @property
    def digest(self) -> str | None:
        """One hash of every file that is in force; None where there is no directory."""
        files = sorted(self.governance.digests.items())
        return sha256(repr(files).encode()).hexdigest()[:16] if files else None


def rulebook_of(settings: Settings, governance: Governance) -> Rulebook:
    """The rulebook of every organization that is configured."""
    return Rulebook(governance=governance, domains={one.name: one.org_domains for one in settings.organizations()})
