"""Compare two observations of the same thing: (before or none, after or none) -> typed changes. Pure."""
