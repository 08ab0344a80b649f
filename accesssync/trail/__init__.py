"""Tell who made each change that was seen, from Datadog's own account of who did what. Pure."""
