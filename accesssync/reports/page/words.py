"""The words of the page, for those who meet them here for the first time."""

from accesssync.reach.tier import ORDINARY, tiers

WORDS: tuple[tuple[str, str], ...] = (
    ("Identity", "Whatever can act in Datadog: a person, a service account, an OAuth client."),
    (
        "Machine (NHI)",
        "An identity without a person behind it: declared by Datadog, decided by a person, or suspected.",
    ),
    ("Grant", "One identity holding one role."),
    ("Privileged", "Holding a permission of T0 or T1 beyond what the Datadog Standard Role gives everybody."),
    *((one.tier, one.what[:1].upper() + one.what[1:] + ".") for one in tiers()),
    *((tier, what[:1].upper() + what[1:] + ".") for tier, what in ORDINARY.items()),
    ("Dormant", "Active by status, and not seen for longer than the policy allows. Never so where nothing is known."),
    ("External", "With an address of a domain that is not the organization's own."),
    ("Unknown", "Datadog does not say. It is never counted as no."),
    ("Proven", "A listing whose pages agree with the total that Datadog gives, or that has no pages."),
    ("Baseline", "The first run: what it saw may have been there long before."),
    ("Waived", "A risk accepted by somebody, for a reason, until a day. It stays counted."),
)
