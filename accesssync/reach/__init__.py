"""What an identity or a credential can do, by which path, and what ends with it. Pure."""
