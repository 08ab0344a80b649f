"""Desired state to applied state: what a file asks for, the plan, its guards, and the order of writes. Pure."""
