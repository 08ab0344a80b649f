"""Which hosts the keys may be sent to.

Pure, and free of the official client, so that the settings can apply the same rules when they are loaded.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from accesssync.errors import ConfigurationError

SITES = (
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "datadoghq.eu",
    "ddog-gov.com",
    "us2.ddog-gov.com",
)

_LOOPBACK = IPv4Network("127.0.0.0/8")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_EXAMPLE = "https://api.datadoghq.eu"


def api_base(site: str, api_url: str | None, allow_other_host: bool) -> str:
    """The base URL of the API: scheme, host and port, without a slash at the end.

    Without `api_url` it is the site's own API host. With it: a loopback address (http or https), or https
    to a host equal to or under a Datadog site, or, with `allow_other_host`, https to any host.
    Everything else raises ConfigurationError, as does an unknown site.
    """
    if site not in SITES:
        raise ConfigurationError(
            f"unknown Datadog site {_shown(site)}",
            remedy=f"use one of {', '.join(SITES)} (the domain alone, as in datadoghq.eu)",
        )
    if api_url is None:
        return f"https://api.{site}"
    parts = _split(api_url)
    host = _host(parts)
    loopback = is_loopback(host)
    _check_scheme(parts.scheme, loopback)
    if not (loopback or is_datadog_host(host) or allow_other_host):
        _refuse(f"the host {_shown(host)} is neither loopback nor a Datadog host", f"{_EXAMPLE}, or allow other hosts")
    shown = f"[{host}]" if ":" in host else host
    port = _port(parts)
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def is_datadog_host(host: str) -> bool:
    """Whether the host is a Datadog site or lies under one."""
    name = host.lower().removesuffix(".")
    return any(name == site or name.endswith("." + site) for site in SITES)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine: 127.0.0.0/8, ::1 or localhost."""
    name = host.lower().removesuffix(".").removeprefix("[").removesuffix("]")
    if name == "localhost":
        return True
    try:
        return IPv6Address(name) == IPv6Address("::1") if ":" in name else IPv4Address(name) in _LOOPBACK
    except AddressValueError:
        return False


def _split(url: str) -> SplitResult:
    # urlsplit silently drops tabs and line feeds, and parsers disagree about backslashes: refuse both first.
    if not url.isascii() or any(not c.isprintable() or c in ' \\"<>^`{|}' for c in url):
        _refuse("it contains characters that do not belong in a URL; write an international host name as xn--...")
    # Looked for in the text because urlsplit does not tell an empty part from an absent one, and because
    # the refusal must not repeat what stands before the @: it may be a password.
    if "@" in url:
        _refuse("it must not contain a user name or password")
    if "?" in url:
        _refuse("it must not contain a query")
    if "#" in url:
        _refuse("it must not contain a fragment")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if not parts.netloc or not parts.hostname:
        _refuse("it is not a full URL")
    if parts.path not in ("", "/"):
        _refuse("it must not contain a path")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").removesuffix(".")
    if ":" in host:
        try:
            return str(IPv6Address(host))
        except AddressValueError:
            _refuse("its host is not an IP address")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        _refuse("its host is not a host name")
    return host


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        _refuse("its port is not a number from 1 to 65535")
    return port


def _check_scheme(scheme: str, loopback: bool) -> None:
    if scheme not in ("http", "https"):
        _refuse("it must begin with https://")
    if scheme == "http" and not loopback:
        _refuse("http would send the keys unencrypted; only a loopback address may use it")


def _refuse(rule: str, example: str = _EXAMPLE) -> NoReturn:
    raise ConfigurationError(f"the API URL cannot be used: {rule}", remedy=f"set it to something like {example}")


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:77] + "...")
