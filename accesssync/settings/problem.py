"""What is wrong with the settings, and the one error that comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from pydantic.fields import FieldInfo

from accesssync.errors import ConfigurationError


@dataclass(frozen=True)
class Problem:
    """What is wrong with one variable, in words that follow its name, and what to do. Holds no value."""

    variable: str
    what: str
    remedy: str


def wrong(variable: str, what: str, field: FieldInfo) -> Problem:
    """A problem whose remedy is the example of the setting."""
    return Problem(variable, what, f"for example {variable}={(field.examples or [''])[0]}")


def refuse(problems: Sequence[Problem]) -> NoReturn:
    """ConfigurationError: the first problem in full, the others by name."""
    first, *others = problems
    more = f" (and {len(others)} more: {', '.join(other.variable for other in others)})" if others else ""
    raise ConfigurationError(f"{first.variable} {first.what}{more}", remedy=first.remedy)
