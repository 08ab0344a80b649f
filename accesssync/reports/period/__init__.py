"""What happened between two dates, and what differs between them: read off stretches of runs. Pure."""
