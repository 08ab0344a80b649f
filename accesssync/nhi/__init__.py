"""Tell from names, domains and behaviour who is not a person, and say why."""
