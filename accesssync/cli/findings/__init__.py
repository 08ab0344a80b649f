"""`accesssync findings`: what is wrong, what was accepted, and the checks behind it."""

from accesssync.cli.findings import accepting, judging, listing, showing
from accesssync.cli.findings.group import findings

__all__ = ["accepting", "findings", "judging", "listing", "showing"]
