"""The governance directory: files that people keep in version control, and what they decide."""
