"""Which destinations the settings have each stream go to."""

from accesssync.forward.entry import Stream
from accesssync.settings import Settings


def names_of(settings: Settings, stream: Stream) -> tuple[str, ...]:
    """The destinations that a stream goes to, allowed or not; none where it is off."""
    if stream.value not in settings.forward_streams:
        return ()
    chosen = set(settings.forward_destinations)
    if stream.value not in settings.forward_webhook_streams:
        chosen.discard("webhook")
    return tuple(sorted(chosen))
