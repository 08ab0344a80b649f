"""Write an organization as an access file, so that nobody begins from nothing."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from accesssync.model.identity import Identity
from accesssync.parse.letters import fault_in
from accesssync.provision.desired import fold
from accesssync.provision.organization import Organization, is_disabled

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._@+-]*[A-Za-z0-9]")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def left_out(org: Organization) -> list[str]:
    """Whom an access file cannot name, and why, a line each."""
    lines = []
    for one in sorted(org.users.values(), key=lambda each: (each.subject, each.id)):
        reason = None if is_disabled(one) else _unfit(one, org)
        if reason:
            lines.append(f"{one.id}: {reason}")
    return lines


def as_yaml(org: Organization) -> Iterator[str]:
    """The lines of the file, without line ends."""
    called = _callings(org)
    yield "version: 1"
    yield f"org: {_quoted(org.name)}"
    yield "mode: additive            # authoritative also takes roles that this file does not give"
    for key, accounts in (("users", False), ("service_accounts", True)):
        listed = _listed(org, accounts=accounts)
        yield f"{key}:" if listed else f"{key}: []"
        for one in listed:
            yield f"  - {'name: ' + _quoted(one.name or '') if accounts else 'email: ' + _quoted(one.email or '')}"
            if accounts:
                yield f"    email: {_quoted(one.email or '')}"
            elif one.name:
                yield f"    name: {_quoted(one.name)}"
            if one.title:
                yield f"    title: {_quoted(one.title)}"
            yield f"    roles: [{', '.join(_quoted(name) for name in _roles(one, called))}]"
    yield "absent: []"


def as_csv(org: Organization) -> str:
    """The people of the file as CSV; it has no place for service accounts."""
    out, called = io.StringIO(newline=""), _callings(org)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("email", "name", "title", "roles"))
    for one in _listed(org, accounts=False):
        writer.writerow((one.email, one.name or "", one.title or "", ";".join(_roles(one, called))))
    return out.getvalue()


def _listed(org: Organization, *, accounts: bool) -> list[Identity]:
    chosen = (
        one
        for one in org.users.values()
        if bool(one.service_account) is accounts and not is_disabled(one) and _unfit(one, org) is None
    )
    return sorted(chosen, key=lambda one: ((one.name if accounts else one.email) or "", one.id))


def _unfit(one: Identity, org: Organization) -> str | None:
    if not one.email:
        return "has no address"
    if not one.email.isascii():
        return f"the address {_quoted(one.email)} has letters outside ASCII"
    alike = [
        other for other in org.by_address[fold(one.email)] if bool(other.service_account) is bool(one.service_account)
    ]
    if one.service_account:
        if not one.name:
            return "is a service account without a name"
        alike = [other for other in alike if other.name == one.name]
    if len(alike) > 1:
        return f"{len(alike)} user records have the address {one.email}"
    hidden = next((text for text in (one.name, one.title) if text and not _writable(text)), None)
    return f"its name or title cannot be written: {_quoted(hidden)}" if hidden else None


def _writable(text: str) -> bool:
    """Whether a text comes back as it is: without outer space, and without what a file must not hide."""
    return text == text.strip() and len(text) <= 255 and not fault_in(text) and not set("\n\t") & set(text)


def _callings(org: Organization) -> Mapping[str, str]:
    """What to write for each role: its name, or its id where the name would not lead back to it."""
    names = Counter(role.name for role in org.roles.values())
    return {
        role.id: role.name
        if role.name and names[role.name] == 1 and _writable(role.name) and ";" not in role.name
        else role.id
        for role in org.roles.values()
    }


def _roles(one: Identity, called: Mapping[str, str]) -> list[str]:
    return sorted(called[role_id] for role_id in one.role_ids if role_id in called)


def _quoted(text: str) -> str:
    """The text as a YAML scalar that comes back as it is."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and ": " not in text and " #" not in text:
        return text
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if " " <= char <= "~" or (char.isprintable() and ord(char) > 0xA0):
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def lines(org: Organization, skipped: Iterable[str]) -> Iterator[str]:
    """The whole file, with a comment about whoever is not in it."""
    disabled = sum(is_disabled(one) for one in org.users.values())
    yield f"# The access of {_quoted(org.name)} as run-{org.run_id} saw it."
    if disabled:
        yield f"# {disabled:,} disabled user records are left out."
    for line in skipped:
        yield f"# Left out: {_quoted(line)}"
    yield from as_yaml(org)
