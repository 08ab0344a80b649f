"""What makes a report evidence: where it came from, that it is complete, and that nobody altered it. Pure."""
