"""Observe one organization and prove that what was seen is complete."""
