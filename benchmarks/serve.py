"""One organization behind several doors, in a process of its own that ends with its standard input.

The doors differ in the largest page they serve and in whether people log in between two listings. Whoever
started this writes the name of a door on a line and is told what was asked for there since last time.
"""

import argparse
import gc
import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime

from accesssync.model.coverage import Resource
from accesssync.sandbox import SandboxServer, generate

STILL, MOVING = "still", "moving"
ACTIVITY_SHARE = 0.02
"""The part of the people who log in between two listings behind a moving door."""

PEOPLE = frozenset({Resource.USERS, Resource.ROLES, Resource.PERMISSIONS})
"""Who has which access; the rest is teams, credentials and the like."""

_UNLIMITED = 1_000_000_000
_REQUESTS_KEPT = 1_000_000


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--page-sizes", type=int, nargs="+", required=True)
    parser.add_argument("--latency-ms", type=float, required=True)
    options = parser.parse_args()
    organization = generate(options.users, 1, datetime.now(UTC))
    with ExitStack() as stack:
        doors = {
            f"{kind}-{size}": stack.enter_context(
                SandboxServer(
                    organization,
                    max_page_size=size,
                    latency_ms=options.latency_ms,
                    activity_share=share,
                    rate_limit=_UNLIMITED,
                    requests_kept=_REQUESTS_KEPT,
                    gzip=False,
                )
            )
            for size in options.page_sizes
            for kind, share in ((STILL, 0.0), (MOVING, ACTIVITY_SHARE))
        }
        # A hundred thousand people are some millions of objects; looking through them would disturb the measurements.
        gc.collect()
        gc.freeze()
        info = next(iter(doors.values())).info
        _tell(
            {
                "urls": {name: door.url for name, door in doors.items()},
                "api_key": info.api_key,
                "app_key": info.app_key,
                "beyond_people": [each.value for each in Resource if each not in PEOPLE],
            }
        )
        for line in sys.stdin:
            door = doors[line.strip()]
            _tell({"asked": [f"{each.path}?{each.query}" for each in door.requests]})
            door.forget_requests()


def _tell(document: object) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
