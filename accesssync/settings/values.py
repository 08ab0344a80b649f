"""What a single setting may be: checked types, and why something else is refused. No refusal shows the value."""

import difflib
import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from accesssync.datadog.sites import SITES, is_loopback
from accesssync.model.coverage import Resource
from accesssync.model.operation import Operation
from accesssync.model.schedule import parse_schedule

SKIPPABLE = frozenset(str(resource) for resource in Resource) | {
    "application_keys",
    "api_keys",
    "access_tokens",
    "oauth_clients",
    "teams",
    "team_memberships",
    "authn_mappings",
}
"""What may be left out on purpose, by its name in coverage."""

DESTINATIONS = ("datadog", "file", "webhook")
STREAMS = ("alerts", "audit", "events")
PERSONAL_FIELDS = ("email", "name", "actor", "text")
"""What may go along of people: addresses; names and titles; who did something; what somebody wrote in own words."""

_FOLLOW_USERS = frozenset({"service_accounts", "grants"})
_NO_NAMES = "none"
_DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(\.[\w-]{1,63})+")
_PUBLIC_KEY_BYTES = 32


def _site(value: str) -> str:
    site = value.strip().lower()
    if site not in SITES:
        # Only the suggestion is shown, never the value: a key may have been pasted into the wrong variable.
        near = difflib.get_close_matches(site.removeprefix("https://").removeprefix("app."), SITES, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"is none of the Datadog sites {', '.join(SITES)}{hint}")
    return site


def _key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if re.search(r"\s", text):
        raise ValueError("contains a space or a line break")
    if not text.isascii() or not text.isprintable():
        raise ValueError("contains a character that no key has")
    if text[:1] in ("", '"', "'"):
        raise ValueError("is empty or in quotation marks, which would be sent as part of the key")
    return value


def _database(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isprintable():
        raise ValueError("contains a line break or another control character")
    if not re.fullmatch(r"sqlite:///[^?]+|postgresql\+psycopg://.+", text):
        raise ValueError("must be sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME")
    if text.startswith(("sqlite:///:memory:", "sqlite:///file:")):
        raise ValueError("must name a file, because a database in memory is lost when the command ends")
    return value


def _pseudonym_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().strip()) < 16:
        raise ValueError("is shorter than 16 letters, so that it could be guessed")
    return value


def _names(value: object) -> frozenset[str] | None:
    """The names of a list in small letters, `none` alone meaning that there are none; None for what is no list."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple | set | frozenset):
        return None
    chosen = frozenset(name for name in (str(part).strip().lower() for part in parts) if name)
    # An empty value counts as unset, so an organization needs a word to say that a global list is not for it.
    return chosen - {_NO_NAMES} if len(chosen) == 1 else chosen


def _resources(value: object) -> object:
    chosen = _names(value)
    if chosen is None:
        return value
    for name in sorted(chosen & _FOLLOW_USERS):
        raise ValueError(f"names {name}, which are read with users and cannot be left out alone")
    for name in sorted(chosen - SKIPPABLE):
        raise ValueError(f"names {_shown(name)}, which is none of {', '.join(sorted(SKIPPABLE))}")
    return chosen


def _operations(value: object) -> object:
    chosen = _names(value)
    if chosen is None:
        return value
    for name in sorted(chosen - set(Operation)):
        which, near = _shown(name), difflib.get_close_matches(name, list(Operation), 1, cutoff=0.5)
        if near and which == name:
            raise ValueError(f"names {name}, which is no write operation (did you mean {near[0]}?)")
        raise ValueError(f"names {which}, which is none of {', '.join(Operation)}")
    return frozenset(Operation(name) for name in chosen)


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[a-z_ -]{1,40}", name) else "something"  # digits: perhaps a misplaced key


def _domains(value: object) -> object:
    chosen = _names(value)
    if chosen is None:
        return value
    chosen = frozenset(name.rstrip(".") for name in chosen)
    if not all(_DOMAIN.fullmatch(name) for name in chosen):
        raise ValueError("names something that is no e-mail domain")
    return chosen


def _schedule(value: str) -> str:
    return parse_schedule(value).text


def _listening(value: str) -> str:
    text = value.strip().lower()
    host, colon, port = text.rpartition(":")
    if text != "off" and not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("must be an address and a port, or off")
    return text


def _people(value: object) -> object:
    chosen = _names(value)
    if chosen is None:
        return value
    if not all(len(name) <= 320 and name.isprintable() for name in chosen):
        raise ValueError("names something that is neither an address nor an id")
    return chosen


def _paths(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(Path(part.strip()) for part in value.split(",") if part.strip())


def _approvers(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in value.split(","))):
        name, _, key = part.partition("=")
        try:
            fits = len(b64decode(key.strip(), validate=True)) == _PUBLIC_KEY_BYTES
        except (ValueError, NoBase64):
            fits = False
        if not fits or not name.strip() or not name.isprintable():
            raise ValueError("must be NAME=KEY, the key being the 32 bytes of an Ed25519 public key in base64")
        keys[name.strip()] = key.strip()
    return keys


def _operator(value: str) -> str:
    name = value.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise ValueError("must be a name of at most 200 printable characters")
    return name


def _several(what: str, of: tuple[str, ...]) -> Callable[[object], object]:
    """Checks a list of these names."""

    def check(value: object) -> object:
        chosen = _names(value)
        if chosen is None:
            return value
        for name in sorted(chosen - set(of)):
            raise ValueError(f"names {_shown(name)}, which is no {what}: {', '.join(of)}")
        return chosen

    return check


def _tag_value(value: str) -> str:
    text = value.strip()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,99}", text):
        raise ValueError("must be up to 100 letters, digits and any of _ . / - and begin with a letter or a digit")
    return text


def _webhook_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isascii() or any(not c.isprintable() or c in ' \\"<>^`{|}' for c in text):
        raise ValueError("contains a character that does not belong in a URL")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a full URL") from None
    if not host or parts.scheme not in ("https", "http"):
        raise ValueError("must begin with https:// and name a host")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("would be sent unencrypted by http; only a loopback address may use it")
    if "@" in parts.netloc or "#" in text:
        raise ValueError("must not contain a user name, a password or a fragment")
    return value


def _signing_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if len(text) < 16 or not text.isascii() or not text.isprintable() or text.strip() != text:
        raise ValueError("must be at least 16 printable ASCII characters without a space at either end")
    return value


def _ndjson(value: str) -> str:
    text = value.strip()
    if not text or not text.isprintable():
        raise ValueError("must be a path, or - for standard output")
    return text


Site = Annotated[str, AfterValidator(_site)]
Key = Annotated[SecretStr, AfterValidator(_key)]
PseudonymKey = Annotated[SecretStr, AfterValidator(_pseudonym_key)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
Domains = Annotated[frozenset[str], BeforeValidator(_domains)]
People = Annotated[frozenset[str], BeforeValidator(_people)]
Approvers = Annotated[dict[str, str], BeforeValidator(_approvers)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_paths)]
Operations = Annotated[frozenset[Operation], BeforeValidator(_operations)]
Listening = Annotated[str, AfterValidator(_listening)]
Operator = Annotated[str, AfterValidator(_operator)]
Resources = Annotated[frozenset[str], BeforeValidator(_resources)]
ScheduleText = Annotated[str, AfterValidator(_schedule)]
Destinations = Annotated[frozenset[str], BeforeValidator(_several("destination", DESTINATIONS))]
Streams = Annotated[frozenset[str], BeforeValidator(_several("stream", STREAMS))]
PersonalFields = Annotated[frozenset[str], BeforeValidator(_several("personal field", PERSONAL_FIELDS))]
TagValue = Annotated[str, AfterValidator(_tag_value)]
WebhookUrl = Annotated[SecretStr, AfterValidator(_webhook_url)]
SigningKey = Annotated[SecretStr, AfterValidator(_signing_key)]
NdjsonTarget = Annotated[str, AfterValidator(_ndjson)]
