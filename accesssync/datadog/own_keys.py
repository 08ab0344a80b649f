"""What the scopes of a key in our own hands are: looked up in the listing that the read key may read."""

from dataclasses import dataclass, field
from itertools import count

from pydantic import SecretStr

from accesssync.datadog.read import DatadogSource
from accesssync.errors import AuthenticationError, DeniedError, UpstreamError
from accesssync.model.credential import Credential


@dataclass(frozen=True)
class OwnKey:
    """The listed key that is ours; None where that cannot be told, with the reason and what would help."""

    key: Credential | None
    reason: str = ""
    fix: str = ""


@dataclass
class OwnKeys:
    """Every application key that the read key sees, asked for once and only when first needed.

    With `owned_by`, those of this user at least: enough to find one of theirs, and far fewer.
    """

    source: DatadogSource
    owned_by: str | None = None
    _found: "list[Credential] | OwnKey | None" = field(default=None, init=False)

    def find(self, owner_id: str, secret: SecretStr) -> OwnKey:
        """The one key of this owner that ends like the secret. None or two of them, or half a listing: unknown.

        No more of a key is shown in any listing, so that two that end alike cannot be told apart.
        """
        if self._found is None:
            self._found = self._listed()
        if isinstance(self._found, OwnKey):
            return self._found
        end = secret.get_secret_value()[-4:]
        alike = [one for one in self._found if one.owner_id == owner_id and one.last4 == end]
        if len(alike) != 1:
            return OwnKey(None, f"{len(alike) or 'none'} of its owner's keys end like it", "make it anew")
        if not alike[0].scopes_known:
            return OwnKey(None, "Datadog does not show them")
        return OwnKey(alike[0])

    def _listed(self) -> list[Credential] | OwnKey:
        seen: dict[str, Credential] = {}
        try:
            listing = self.source.application_keys(self.owned_by)
            for number in count():
                page = listing.fetch(number, 100)
                seen |= {one.id: one for one in page.records}
                if page.total is not None and len(seen) >= page.total:
                    return list(seen.values())
                if page.total is None or not page.records:
                    break
        except DeniedError as error:
            return OwnKey(None, f"the read key lacks {error.permission}", f"give {error.permission} to the read key")
        except (AuthenticationError, UpstreamError) as error:
            return OwnKey(None, error.message, "run the check again")
        return OwnKey(None, f"the list of application keys stopped after {len(seen):,}", "run the check again")
