"""An identity: anything that can act. In Datadog, a user record, person and service account alike."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType


class Identity(Struct, frozen=True, kw_only=True, gc=False):
    """The facts of one user record as one listing showed them.

    `None` means that Datadog sent null or did not send the attribute. `last_login_at` is activity, not
    a fact; there the difference matters: `None` is "never logged in", `UNSET` is "not said".
    `malformed` names the attributes whose values could not be understood; they hold `None` here
    and say nothing about the truth.
    """

    id: str
    email: str | None = None
    handle: str | None = None
    name: str | None = None
    title: str | None = None
    status: str | None = None
    disabled: bool | None = None
    verified: bool | None = None
    mfa_enabled: bool | None = None
    service_account: bool | None = None
    created_at: datetime | None = None
    role_ids: tuple[str, ...] = ()
    last_login_at: datetime | UnsetType | None = UNSET
    malformed: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What a person calls this identity: its e-mail, else its name, else its id."""
        if self.service_account and self.name:
            return self.name
        return self.email or self.name or self.id
