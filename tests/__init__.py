"""Tests. A package, so that they can share what is in `postgres`."""
