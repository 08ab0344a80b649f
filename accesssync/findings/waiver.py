"""A waiver: a risk that somebody accepted, for a time, with a reason."""

from collections.abc import Iterable
from datetime import date, timedelta

from msgspec import Struct

from accesssync.parse.fields import Fields, yaml_fields
from accesssync.parse.glob import Glob
from accesssync.parse.problems import Problems

LONGEST = timedelta(days=366)
"""How long a risk may be accepted before somebody has to look again."""

FILE = "waivers.yaml"
COMMAND = "command"


class Waiver(Struct, frozen=True, kw_only=True):
    """Which findings are accepted, by whom, why and until when (that day included).

    It names one finding, or patterns of check and subject (e-mail, name or id). `source` is the file or the command.
    """

    owner: str
    reason: str
    approver: str
    expires: date
    finding: str | None = None
    check: Glob | None = None
    subject: Glob | None = None
    org: str | None = None
    source: str = FILE
    id: str = ""

    def valid(self, today: date) -> bool:
        """Whether it counts on a day."""
        return today <= self.expires

    def covers(self, org: str, finding: str, check: str, subjects: Iterable[str]) -> bool:
        """Whether it is about a finding, whatever the day. `finding` is its id."""
        if self.org is not None and self.org != org:
            return False
        if self.finding is not None:
            return self.finding == finding
        if self.check is None or not self.check.matches(check):
            return False
        return self.subject is None or any(self.subject.matches(one) for one in subjects)

    @property
    def name(self) -> str:
        """What it is about, in one text."""
        if self.finding is not None:
            return self.finding
        subject = f" {self.subject.text}" if self.subject else ""
        return f"{self.check.text if self.check else '*'}{subject}"


def read_waivers(content: bytes, file: str, problems: Problems, today: date) -> tuple[Waiver, ...]:
    """The waivers of a file; what is wrong is noted by line. That one has expired is no fault."""
    fields = yaml_fields(content, file, problems)
    fields.integer("version", 1, 1)
    return tuple(_waiver(one, today) for one in fields.records("waivers"))


def _waiver(fields: Fields, today: date) -> Waiver:
    finding = fields.optional_text("finding", 40)
    check = fields.glob("check") if fields.has("check") else None
    subject = fields.glob("subject") if fields.has("subject") else None
    org = fields.optional_text("org", 63)
    if (finding is None) == (check is None):
        fields.fault(None, "a waiver names either a finding or a check")
    if finding is not None and subject is not None:
        fields.fault("subject", "a finding has one subject already")
    if check is not None and not check.text.strip("*?") and (subject is None or not subject.text.strip("*?")):
        fields.fault("check", "this would accept every risk there is")
    expires = fields.day("expires")
    if expires > today + LONGEST:
        fields.fault("expires", f"is more than a year away; {(today + LONGEST).isoformat()} is the last day")
    return Waiver(
        owner=fields.text("owner", 320),
        reason=fields.text("reason"),
        approver=fields.text("approver", 320),
        expires=expires,
        finding=finding.upper() if finding else None,
        check=check,
        subject=subject,
        org=org.casefold() if org else None,
    )
