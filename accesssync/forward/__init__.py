"""What goes back into Datadog and elsewhere: entries, limits, and the order of their delivery. Pure."""
