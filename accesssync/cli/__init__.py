"""The command line: one file per group of commands. Parse, call one job, print."""
