"""What an identity can do: roles expanded, permissions ranked. Pure."""
