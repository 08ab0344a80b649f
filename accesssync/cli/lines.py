"""The lines of text that people give with options."""

import click


def check_lines(given: dict[str, str | None]) -> None:
    """Refuse texts that are not one line of 1 to 1,000 printable characters, naming the option."""
    for option, text in given.items():
        if text is not None and not (text.strip() and len(text) <= 1_000 and text.isprintable()):
            raise click.BadOptionUsage(option, f"{option} has to be a line of 1 to 1,000 characters")
