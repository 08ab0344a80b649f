"""Show on an invented organization what accesssync promises, and measure whether it keeps it."""
