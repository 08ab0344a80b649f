"""The doctor: are the keys, their scopes, the clock and the database as they should be? Writes nothing."""
