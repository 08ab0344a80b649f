"""What a YAML file consists of. Everything knows the line where it begins."""

from msgspec import Struct


class Scalar(Struct, frozen=True):
    """A text as it was written. Nothing is guessed: `no` and `0123` are texts until somebody asks for more.

    `plain`: it stood without quotes, so that `null` and `~` mean that there is nothing.
    """

    text: str
    line: int
    plain: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing."""
        return not self.text.strip() or (self.plain and self.text in {"~", "null", "Null", "NULL"})


class Sequence(Struct, frozen=True):
    """A list."""

    items: "tuple[Node, ...]"
    line: int


class Entry(Struct, frozen=True):
    """A value and the line of its key."""

    line: int
    value: "Node"


class Mapping(Struct, frozen=True):
    """Values by their keys, each key once."""

    entries: dict[str, Entry]
    line: int


Node = Scalar | Sequence | Mapping
