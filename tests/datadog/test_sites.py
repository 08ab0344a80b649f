"""Which addresses may receive the keys."""

import subprocess
import sys
from pathlib import Path

import pytest

import accesssync
from accesssync.datadog.sites import SITES, api_base, is_datadog_host, is_loopback
from accesssync.errors import ConfigurationError


@pytest.mark.parametrize("site", SITES)
def test_every_site_has_its_own_api_host(site: str) -> None:
    assert api_base(site, None, False) == f"https://api.{site}"


@pytest.mark.parametrize(
    "site", ["", "eu", "datadoghq.org", "app.datadoghq.eu", "https://datadoghq.eu", "DATADOGHQ.EU"]
)
def test_an_unknown_site_is_refused_with_the_list(site: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        api_base(site, "http://127.0.0.1:1", True)
    assert "us5.datadoghq.com" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8126", "http://127.0.0.1:8126"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("https://localhost:9/", "https://localhost:9"),
        ("http://LOCALHOST", "http://localhost"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("https://api.datadoghq.eu", "https://api.datadoghq.eu"),
        ("https://API.DataDogHQ.com/", "https://api.datadoghq.com"),
        ("https://datadoghq.com.", "https://datadoghq.com"),
        ("https://api.us2.ddog-gov.com:8443", "https://api.us2.ddog-gov.com:8443"),
    ],
)
def test_allowed_without_asking(url: str, base: str) -> None:
    assert api_base("datadoghq.com", url, False) == base


@pytest.mark.parametrize(
    "url",
    [
        "https://evildatadoghq.com",
        "https://datadoghq.com.evil.example",
        "https://api-datadoghq.com",
        "https://example.com",
        "https://10.0.0.1",
        "https://[2001:db8::1]",
        "https://[::ffff:127.0.0.1]",
        "https://127.0.0.1.example",
        "https://localhost.example",
        "https://2130706433",
        "https://xn--dtadoghq-1fg.com",
    ],
)
def test_a_foreign_host_needs_permission(url: str) -> None:
    with pytest.raises(ConfigurationError, match="neither loopback nor a Datadog host"):
        api_base("datadoghq.com", url, False)
    assert api_base("datadoghq.com", url, True).startswith("https://")


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://api.datadoghq.com", "unencrypted"),
        ("http://example.com", "unencrypted"),
        ("ftp://127.0.0.1", "https://"),
        ("https://user:hunter2@api.datadoghq.com", "user name or password"),
        ("https://api.datadoghq.com@evil.example", "user name or password"),
        ("https://api.datadoghq.com/api/v2", "path"),
        ("https://api.datadoghq.com//", "path"),
        ("https://api.datadoghq.com?", "query"),
        ("https://api.datadoghq.com/?a=b", "query"),
        ("https://api.datadoghq.com#", "fragment"),
        ("https://api.dätadoghq.com", "xn--"),
        ("https://evil.example\\.datadoghq.com", "characters"),
        ("https://evil.example\t.datadoghq.com", "characters"),
        (" https://api.datadoghq.com", "characters"),
        ("https://api.datadoghq.com:0", "port"),
        ("https://api.datadoghq.com:65536", "port"),
        ("https://api.datadoghq.com:x", "port"),
        ("https://api..datadoghq.com", "host name"),
        ("https://api_x.datadoghq.com", "host name"),
        ("https://%65vil.datadoghq.com", "host name"),
        ("https://datadoghq.com..", "host name"),
        ("https://[::1", "full URL"),
        ("https://", "full URL"),
        ("api.datadoghq.com", "full URL"),
        ("", "full URL"),
    ],
)
@pytest.mark.parametrize("other", [True, False])
def test_refused_whatever_is_allowed(url: str, rule: str, other: bool) -> None:
    with pytest.raises(ConfigurationError) as caught:
        api_base("datadoghq.com", url, other)
    assert rule in caught.value.message
    assert "https://" in (caught.value.remedy or "")
    assert "hunter2" not in caught.value.line()


def test_only_true_suffixes_are_datadog_hosts() -> None:
    assert is_datadog_host("api.datadoghq.eu")
    assert is_datadog_host("DATADOGHQ.COM.")
    assert not is_datadog_host("notdatadoghq.com")
    assert not is_datadog_host("datadoghq.com.evil.example")
    assert not is_loopback("128.0.0.1")
    assert is_loopback("[::1]")


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [("sites", "datadog_api_client"), ("sites", "urllib3"), ("read", "datadog_api_client.v2.models")],
)
def test_what_a_module_does_not_drag_in(module: str, unwanted: str) -> None:
    code = f"import sys, accesssync.datadog.{module}; sys.exit({unwanted!r} in sys.modules)"
    root = Path(accesssync.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root).returncode == 0
