"""`python -m accesssync` is the command line."""

from accesssync.cli.main import main

main()
