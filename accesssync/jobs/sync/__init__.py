"""Observe an organization once: collect, store, compare, publish."""
