"""Identity access-sync for Datadog: who has access, since when, who is not a person, what changed."""

__version__ = "0.1.0"
