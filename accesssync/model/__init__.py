"""The vocabulary every room shares. Plain values: no input, no output, no clock."""
