"""Provisioning: from a file to a plan, from a plan to writes, and what became of them."""
