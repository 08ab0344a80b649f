"""Tell whether anything was seen that could change an answer, without working it out again."""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b

from msgspec import UNSET, UnsetType, msgpack

from accesssync.nhi.behaviour import ASLEEP, MONTH
from accesssync.nhi.classify import Context
from accesssync.nhi.verdict import Subject

METHOD = 2
"""To be raised whenever the code, rather than the lexicon, comes to judge the same evidence differently."""


def inputs_digest(context: Context) -> Callable[[Subject], bytes]:
    """A function that gives 16 bytes of all that `classify` looks at.

    Times go in only as far as they are asked about: within a month, within half a year, or the day. So the same
    evidence gives the same bytes tomorrow, until one of these limits is passed.
    """
    judge = (METHOD, context.lexicon.version, sorted(context.org_domains), context.mfa_tells)
    common = blake2b(msgpack.encode(judge), digest_size=32).digest()
    encode = msgpack.Encoder().encode
    now = context.now

    def used(value: datetime | UnsetType | None) -> str:
        if value is UNSET:
            return "unknown"
        if not isinstance(value, datetime):
            return "never"
        return "month" if now - value <= MONTH else "older"

    def login(value: datetime | UnsetType | None) -> str:
        if isinstance(value, datetime) and now - value > ASLEEP:
            return f"{value:%Y-%m-%d}"
        return used(value)

    def digest(subject: Subject) -> bytes:
        seen: list[object] = [subject.email, subject.name, subject.handle, subject.title, subject.service_account]
        one = subject.evidence
        if one is not None:
            old = one.created_at is not None and now - one.created_at > MONTH
            seen += [one.status, old, login(one.last_login_at), one.mfa_enabled]
            if one.keys is not UNSET:
                seen.append([(key.name, used(key.last_used_at)) for key in one.keys])
        return blake2b(encode(seen), digest_size=16, key=common).digest()

    return digest
