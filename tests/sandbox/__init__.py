"""Tests of the bundled look-alike server."""
