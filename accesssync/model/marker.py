"""The marks by which accesssync knows what it installed in Datadog. What does not carry them belongs to others."""

from typing import Final

MANAGED_BY: Final = "managed-by:accesssync"
"""In everything that accesssync installs."""

OBJECT: Final = "accesssync-object:"
"""Before the name that the object has among ours."""

CONTENT: Final = "accesssync-content:"
"""Before the digest of what was installed, which tells an older version from one that somebody edited."""
