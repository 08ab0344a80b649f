"""The checks, a module for each kind of subject."""
