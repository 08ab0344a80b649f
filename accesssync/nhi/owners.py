"""Owners and purposes that people keep in a file."""

from msgspec import Struct

from accesssync.parse.fields import Fields, yaml_fields
from accesssync.parse.glob import Glob
from accesssync.parse.problems import Problems

_VERSION = 1


class OwnerRule(Struct, frozen=True, kw_only=True):
    """Who answers for what, and what it is there for.

    `match` is about identities, by id, e-mail or handle; `credentials` about keys, tokens and OAuth clients, by id or
    name. `orgs`: in which organizations, all of them where it is empty. `line`: where the file says so.
    """

    match: tuple[Glob, ...]
    credentials: tuple[Glob, ...]
    owner: str
    purpose: str | None = None
    orgs: tuple[Glob, ...] = ()
    line: int = 0


def read_owners(content: bytes, file: str, problems: Problems) -> tuple[OwnerRule, ...]:
    """The owners of a file, in its order. What is wrong is noted in `problems`, by line."""
    top = yaml_fields(content, file, problems)
    top.integer("version", _VERSION, _VERSION)
    return tuple(_rule(one) for one in top.records("owners"))


def _rule(fields: Fields) -> OwnerRule:
    match, credentials = fields.optional_globs("match"), fields.optional_globs("credentials")
    if not match and not credentials and not (fields.has("match") or fields.has("credentials")):
        fields.fault(None, "match or credentials is missing: of what somebody is the owner")
    return OwnerRule(
        match=match,
        credentials=credentials,
        owner=fields.text("owner"),
        purpose=fields.optional_text("purpose"),
        orgs=fields.optional_globs("org"),
        line=fields.line,
    )
