"""Findings: evaluate what a run published, show it, accept it, and try another policy on the past."""
