"""Put the newest figures into the documentation."""

from pathlib import Path

BEGIN, END = "<!-- sync figures: begin -->", "<!-- sync figures: end -->"


def rewrite(document: Path, *, machine: str, day: str, command: str, tables: str) -> None:
    """Replace what stands between the markers. ValueError where they are not there, once and in order."""
    text = document.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or BEGIN in tail or END in tail:
        raise ValueError(f"{document.name} needs {BEGIN} and {END}, once each")
    figures = f"Measured on {day} with `{command}`.\n\n{machine}.\n\n```text\n{tables}\n```"
    document.write_text(f"{head}{BEGIN}\n{figures}\n{END}{tail}")
