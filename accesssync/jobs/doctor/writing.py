"""The doctor for what may be written: is the provisioning key fit for the operations that the settings allow?

What fails here makes accesssync refuse to write; what warns is more than the work needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from accesssync.datadog.own_keys import OwnKeys
from accesssync.datadog.read import DatadogSource
from accesssync.errors import AccessSyncError
from accesssync.jobs.doctor.lines import Check, Status, few
from accesssync.model.operation import PROVISIONING, Operation
from accesssync.reach.features import Feature, allowance, excess, missing, needed, writing
from accesssync.settings import OrgSettings
from accesssync.snapshot.source import Account


@dataclass(frozen=True)
class Writing:
    """One organization that may be written to, read through `reader`, whose listing of keys is `keys`.

    `unscoped_allowed` is what the settings say of a key whose scopes are none or unknown.
    """

    org: OrgSettings
    reader: DatadogSource
    keys: OwnKeys
    unscoped_allowed: bool = False

    @property
    def allowed(self) -> list[Operation]:
        """The allowed operations that the provisioning key sends."""
        return [each for each in PROVISIONING if each in self.org.allowed_operations]

    @property
    def _if_unscoped(self) -> Status:
        return "warn" if self.unscoped_allowed else "fail"

    @property
    def _so(self) -> str:
        return "which ACCESSSYNC_ALLOW_UNSCOPED_KEY permits" if self.unscoped_allowed else "so nothing is written"

    def without_key(self) -> Check:
        """What it means that no provisioning key is set."""
        allowing, variable = self.org.variable("ALLOWED_OPERATIONS"), self.org.variable("PROVISION_APP_KEY")
        if not self.allowed:
            return self._line("writing", "ok", f"read-only: {allowing} allows no change of access")
        message = f"{allowing} allows {few(self.allowed)}, but {variable} is not set"
        return self._line("key.provision", "fail", message, f"set {variable}, or empty {allowing}")

    def unusable(self, error: AccessSyncError) -> Check:
        """Datadog does not accept the key."""
        fix = f"check {self.org.variable('PROVISION_APP_KEY')}: it has to be of this organization and site"
        return self._line("key.provision", "fail", f"the provisioning key: {error.message}", fix)

    def check(self, account: Account, reading: Account) -> Iterator[Check]:
        """Whose the key is, and whether it covers what is allowed and nothing else; `reading` is the read key's."""
        yield self._whose(account, reading)
        allowing, variable = self.org.variable("ALLOWED_OPERATIONS"), self.org.variable("PROVISION_APP_KEY")
        if not self.allowed:
            message = f"{variable} is set, but {allowing} allows no change of access: the key has no use"
            yield self._line("writing", "warn", message, f"remove {variable}, or allow what is to be written")
        wanted = writing(self.allowed)
        scopes, line = self._scopes(account, needed(wanted))
        yield line
        catalogue = self._catalogue()
        told = account.permissions is not None and catalogue
        held = allowance(account.permissions or (), None, catalogue) if told else None
        yield from (self._feature(each, held, scopes) for each in wanted)

    def _whose(self, account: Account, reading: Account) -> Check:
        if None not in (account.org_id, reading.org_id) and account.org_id != reading.org_id:
            message = f"the provisioning key belongs to another organization, {account.org_name or account.org_id}"
            return self._line("key.provision", "fail", message, "use a key of the organization that is read")
        if self.org.provision_app_key == self.org.app_key:
            message = "the provisioning key is the read key: whoever finds that can write"
            return self._line("key.provision", "warn", message, "make a key of its own for each")
        if account.service_account is False:
            message = f"the provisioning key belongs to a person, {account.subject}: it stops when that person leaves"
            return self._line("key.provision", "warn", message, "give it to a service account made for accesssync")
        kind = "the service account " if account.service_account else ""
        return self._line("key.provision", "ok", f"the provisioning key belongs to {kind}{account.subject}")

    def _scopes(self, account: Account, enough: tuple[str, ...]) -> tuple[tuple[str, ...] | None, Check]:
        """The scopes of the key, None where it has none or they are unknown, and what to say about them."""
        what, sufficient = "key.provision.scopes", ", ".join(enough) or "nothing"
        assert self.org.provision_app_key is not None  # noqa: S101 - the account was asked for with it
        mine = self.keys.find(account.user_id, self.org.provision_app_key)
        if mine.key is None:
            message = f"the scopes of the provisioning key cannot be learned, {self._so}: {mine.reason}"
            return None, self._line(what, self._if_unscoped, message, mine.fix)
        if mine.key.scopes is None:
            message = f"the provisioning key is unscoped, {self._so}: it may do everything its owner may"
            return None, self._line(what, self._if_unscoped, message, f"scope it to just these: {sufficient}")
        beyond = excess(mine.key.scopes, writing(self.allowed))
        if beyond:
            message = f"the provisioning key has scopes that no allowed operation needs: {few(beyond)}"
            return mine.key.scopes, self._line(what, "warn", message, f"it needs only: {sufficient}")
        message = f"the provisioning key is scoped to {', '.join(mine.key.scopes) or 'nothing'}"
        return mine.key.scopes, self._line(what, "ok", message)

    def _feature(self, feature: Feature, held: frozenset[str] | None, scopes: tuple[str, ...] | None) -> Check:
        what = f"feature.{feature.id}"
        out_of_scope = () if scopes is None else missing(feature, scopes)
        not_carried = () if held is None else missing(feature, held)
        if out_of_scope or not_carried:
            parts = [f"the key lacks the scope {', '.join(out_of_scope)}"] if out_of_scope else []
            parts += [f"no role of its owner carries {', '.join(not_carried)}"] if not_carried else []
            other = f", or take {feature.operation} out of {self.org.variable('ALLOWED_OPERATIONS')}"
            fix = f"give it{other}" if feature.operation else "give it: otherwise no write can be checked"
            return self._line(what, "fail", f"{feature.title}: {' and '.join(parts)}", fix)
        if held is None:
            message = f"{feature.title}: what the roles of the key's owner carry cannot be told"
            return self._line(what, "warn", message, f"see that they carry {', '.join(feature.permissions)}")
        return self._line(what, "ok", f"{feature.title}: covered")

    def _catalogue(self) -> frozenset[str]:
        """The permissions of the organization; none where they cannot be read."""
        try:
            return frozenset(each.name for each in self.reader.permissions().fetch(0, 100).records if each.name)
        except AccessSyncError:
            return frozenset()

    def _line(self, what: str, status: Status, message: str, fix: str | None = None) -> Check:
        return Check(what, self.org.name, status, message, fix)
