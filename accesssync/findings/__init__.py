"""What is wrong with an organization's access, and what to do about it. Pure."""
