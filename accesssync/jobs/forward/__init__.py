"""Publish what happened: queue it with what caused it, and deliver what waits."""
