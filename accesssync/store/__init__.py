"""Keep what was seen: tables, history, queries and locks. The only room that knows a database."""
