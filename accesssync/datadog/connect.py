"""Everything between a caller and one organization: client, rate limits, and the transport over both."""

from collections.abc import Callable
from random import Random
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import SecretStr

from accesssync.datadog.budget import Budget
from accesssync.datadog.client import Client, build_client
from accesssync.datadog.limits import Limits
from accesssync.datadog.permit import Permit
from accesssync.datadog.scrub import Scrub
from accesssync.datadog.transport import Event, Transport


class Connected(Struct, frozen=True):
    """What reading and writing need; nothing was sent yet."""

    client: Client
    transport: Transport
    budget: Budget


def connect(
    *,
    org: str,
    site: str,
    api_key: SecretStr,
    app_key: SecretStr | None,
    api_url: str | None,
    allow_other_host: bool,
    concurrency: int,
    limits: Limits,
    permit: Permit,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    now: Callable[[], float],
    rng: Random,
    on_event: Callable[[Event], None],
    on_answer: Callable[[int], None],
    check_bodies: bool = True,
) -> Connected:
    """Prepare to send what `permit` lets out, with these keys. `limits.run` begins to count.

    For `app_key` None and `check_bodies` see `build_client`. Raises ConfigurationError for a host the rules forbid or
    unsendable keys.
    """
    client = build_client(
        site=site,
        api_key=api_key,
        app_key=app_key,
        api_url=api_url,
        allow_other_host=allow_other_host,
        concurrency=concurrency,
        limits=limits,
        permit=permit,
        check_bodies=check_bodies,
    )
    budget = Budget(limits, clock)
    transport = Transport(
        org=org,
        where=site if api_url is None else urlsplit(client.configuration.host).netloc,
        limits=limits,
        scrub=Scrub([each.get_secret_value() for each in (api_key, app_key) if each is not None]),
        budget=budget,
        sleep=sleep,
        clock=clock,
        now=now,
        rng=rng,
        on_event=on_event,
        on_answer=on_answer,
    )
    return Connected(client, transport, budget)
