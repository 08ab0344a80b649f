"""Name the vendor behind a credential or an identity, and say where it has more than the vendor needs."""

from collections.abc import Collection
from typing import Any

from accesssync.nhi.vendors import Excess, Vendor, excess_of_credential, excess_of_user, recognise_vendor
from accesssync.store.runs import OrgRecord

Document = dict[str, Any]


def own_names(org: OrgRecord) -> list[str]:
    """What the organization itself is called: Slack's own people make no vendor of Slack."""
    return [name for name in (org.name, org.datadog_name) if name]


def of_credential(
    names: Collection[str], name: str | None, kind: str, scopes: Collection[str] | None, *, scopes_known: bool
) -> Document:
    """The vendor in a credential's name, and what it has beyond the vendor's need."""
    vendor = recognise_vendor(name, names)
    return _told(vendor, excess_of_credential(vendor, kind, scopes, scopes_known=scopes_known) if vendor else None)


def of_identity(names: Collection[str], one: Document, privileged: Collection[str]) -> Document:
    """The vendor in the name or the address of a machine, and what it may do beyond the vendor's need.

    Of a person there is none, whatever they are called.
    """
    if one["classification"]["label"] not in {"nhi", "review"}:
        return _told(None, None)
    local = (one["email"] or "").partition("@")[0]
    vendor = recognise_vendor(one["name"], names) or recognise_vendor(local, names)
    return _told(vendor, excess_of_user(vendor, privileged) if vendor else None)


def _told(vendor: Vendor | None, excess: Excess | None) -> Document:
    return {
        "vendor": vendor.name if vendor else None,
        "broader_than_needed": excess.text if excess else None,
        "excess_verified": excess.verified if excess else None,
    }
