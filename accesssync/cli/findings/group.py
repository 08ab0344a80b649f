"""The group that the commands about findings belong to."""

import click


@click.group()
def findings() -> None:
    """What is wrong with the access, how bad it is, and what to do about it."""
