"""The keys, tokens and OAuth clients that came and went in a period."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from accesssync.model.credential import Credential, resource_of
from accesssync.reports.dataset import Cell, Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG
from accesssync.reports.period.columns import WHEN, WHY, when, why
from accesssync.reports.period.history import Log, Names, Period, Version
from accesssync.reports.period.spans import Spans, around, begun, ended, held, union

Subject = tuple[str, str]
"""The resource that lists a credential, and its id."""

_WHAT = (
    Column("credential_id", "id", "Datadog's id of the credential."),
    Column("kind", "text", "application_key, api_key, personal_access_token, service_access_token or oauth_client."),
    Column("name", "text", "Its name.", personal=True),
    Column("last4", "text", "Its last four characters, or the public portion of a token."),
    Column("owner_id", "id", "The identity that it acts as, or that made it where it acts for the organization."),
    Column("owner_email", "text", "That identity's e-mail.", personal=True),
    Column("scopes", "list", "What it is narrowed to; see `unscoped` for what no scopes mean."),
    Column("unscoped", "flag", "Whether nothing narrows it; not known where Datadog does not say."),
    Column("created_at", "moment", "When Datadog says that it was made."),
    Column("expires_at", "moment", "When it ends by itself."),
)

CREATED = (
    ORG,
    *_WHAT,
    Column("how", "text", "appeared, or enabled after having been disabled."),
    *WHEN,
    Column("still_there", "flag", "Whether it was there and enabled at the end of the period."),
    Column("gone_by", "moment", "The end of the window in which it went again, within the period."),
    *WHY,
)

GONE = (
    ORG,
    *_WHAT,
    Column("how", "text", "removed, or disabled."),
    *WHEN,
    Column("there_by", "moment", "The end of the window in which it came; empty where it was there at first."),
    *WHY,
)


class Book:
    """The credentials of which something began or ended in a period, with the runs at which each was enabled."""

    def __init__(self, versions: Iterable[Version[Credential]]) -> None:
        found: dict[Subject, list[Version[Credential]]] = defaultdict(list)
        for one in versions:
            found[resource_of(one.record.type).value, one.record.id].append(one)
        self.versions: Mapping[Subject, Sequence[Version[Credential]]] = {
            subject: sorted(many, key=lambda one: one.start) for subject, many in found.items()
        }
        self.enabled: Mapping[Subject, Spans] = {
            subject: union((one.start, one.end) for one in many if not one.record.disabled)
            for subject, many in self.versions.items()
        }

    def record(self, subject: Subject, run: int) -> Credential:
        """A credential as it was at a run, or the version nearest before it."""
        many = self.versions[subject]
        return next((one.record for one in reversed(many) if one.start <= run), many[0].record)

    def events(self, period: Period, which: Callable[[Spans, int, int], list[int]]) -> list[tuple[int, Subject]]:
        """The runs that began, or ended, a credential's being enabled."""
        return sorted((run, one) for one, spans in self.enabled.items() for run in which(spans, *period.span))

    def came(self, subject: Subject, run: int) -> tuple[str, tuple[int, str, str]]:
        """How it came, and the change that says so."""
        again = any(one.end == run for one in self.versions[subject])
        kind = "credential.updated" if again else "credential.added"
        return ("enabled" if again else "appeared"), (run, kind, subject[1])

    def went(self, subject: Subject, run: int) -> tuple[str, tuple[int, str, str]]:
        """How it went, and the change that says so."""
        stays = any(one.start == run for one in self.versions[subject])
        kind = "credential.updated" if stays else "credential.removed"
        return ("disabled" if stays else "removed"), (run, kind, subject[1])


def created(period: Period, book: Book, names: Names, log: Log) -> Dataset:
    """Every credential that came."""

    def read() -> Iterator[Row]:
        for run, subject in book.events(period, begun):
            how, change = book.came(subject, run)
            window = log.window(*change)
            span = around(book.enabled[subject], run)
            gone = None
            if span is not None and span[1] <= period.last.id:
                gone = log.window(*book.went(subject, span[1])[1]).before
            there = held(book.enabled[subject], period.last.id)
            yield (
                period.org, *_what(book.record(subject, run), names), how, *when(window), there, gone, *why(window)
            )  # fmt: skip

    return Dataset("credentials_created", "Credentials created", "credential that came", CREATED, read)


def gone(period: Period, book: Book, names: Names, log: Log) -> Dataset:
    """Every credential that went."""

    def read() -> Iterator[Row]:
        for run, subject in book.events(period, ended):
            how, change = book.went(subject, run)
            window = log.window(*change)
            span = around(book.enabled[subject], run - 1)
            there = None
            if span is not None and span[0] > period.first.id:
                there = log.window(*book.came(subject, span[0])[1]).before
            yield period.org, *_what(book.record(subject, run - 1), names), how, *when(window), there, *why(window)

    return Dataset("credentials_gone", "Credentials gone", "credential that went", GONE, read)


def _what(one: Credential, names: Names) -> tuple[Cell, ...]:
    owner = one.owner_id or one.created_by_id
    return (
        one.id,
        one.type,
        one.name,
        one.last4,
        owner,
        names.who(owner).email if owner else None,
        (one.scopes or ()) if one.scopes_known else None,
        one.scopes is None if one.scopes_known else None,
        one.created_at,
        one.expires_at,
    )
