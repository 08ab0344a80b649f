"""Write values as JSON, whatever strangers put into them."""

from typing import Any

from msgspec import json, to_builtins

from accesssync.model.visible import writable

_ENCODER = json.Encoder()
_SORTED = json.Encoder(order="deterministic")


def encoded(value: object) -> bytes:
    """The value as JSON. Half a character, which no file can hold, becomes an escape such as `\\ud800`."""
    return _encoded(_ENCODER, value)


def as_text(value: object) -> str:
    """The value as JSON in a cell: on one line, keys in order."""
    return _encoded(_SORTED, value).decode()


def _encoded(encoder: json.Encoder, value: object) -> bytes:
    try:
        return encoder.encode(value)
    except UnicodeEncodeError:
        return encoder.encode(_writable(to_builtins(value)))


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, dict):
        return {writable(str(name)): _writable(one) for name, one in value.items()}
    return [_writable(one) for one in value] if isinstance(value, list | tuple) else value
