"""The use cases: the only place that joins rooms, adapters, settings and the clock."""
