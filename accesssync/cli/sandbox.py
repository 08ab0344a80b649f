"""`accesssync sandbox serve`."""

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import print_json, say


@click.group()
def sandbox() -> None:
    """A look-alike of Datadog to try things on."""


@sandbox.command(
    epilog="""\b
Example, in two terminals:
  accesssync sandbox serve --users 5000
  (paste what it prints, then)  accesssync sync

\b
Besides what a sync reads it takes what is published: logs, events and metrics, dashboards, log pipelines, monitors and
detection rules; and it keeps an Audit Trail of its own changes. What arrived is at /_sandbox/arrived, logs, events,
points, installed and trail of its address, with the header x-sandbox-control: sandbox."""
)
@click.option("--port", type=click.IntRange(0, 65535), default=8126, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--users", type=click.IntRange(1, 1_000_000), default=1000, help="User records in the organization.")
@click.option("--seed", type=int, default=1, help="The same seed makes the same organization.")
@click.option("--max-page-size", type=click.IntRange(1, 5000), default=1000, help="Largest page of users it serves.")
@click.option("--latency-ms", type=click.FloatRange(0, 60_000), default=0, help="Wait before each answer.")
@click.option("--rate-limit", type=click.IntRange(1), default=3000, help="Requests a minute, per family of endpoints.")
@click.option("--no-gzip", is_flag=True, help="Never compress.")
@common
def serve(
    invocation: Invocation,
    port: int,
    users: int,
    seed: int,
    max_page_size: int,
    latency_ms: float,
    rate_limit: int,
    no_gzip: bool,
) -> None:
    """Serve a made-up organization over HTTP on this machine, until interrupted."""
    from accesssync.errors import UsageError
    from accesssync.model.operation import PROVISIONING, PUBLISHING
    from accesssync.sandbox import SandboxInfo, generate
    from accesssync.sandbox import serve as run

    def ready(info: SandboxInfo) -> None:
        settings = {
            "ACCESSSYNC_API_URL": info.url,
            "DD_API_KEY": info.api_key,
            "DD_APP_KEY": info.app_key,
        }
        writing = {
            "ACCESSSYNC_PROVISION_APP_KEY": info.provision_app_key,
            "ACCESSSYNC_ALLOWED_OPERATIONS": ",".join(PROVISIONING),
        }
        publishing = {
            "ACCESSSYNC_FORWARD__APP_KEY": info.app_key,
            "ACCESSSYNC_ALLOWED_OPERATIONS": ",".join(PUBLISHING),
            **{f"ACCESSSYNC_FORWARD__{stream}": "true" for stream in ("ALERTS", "AUDIT", "METRICS", "EVENTS")},
        }
        if invocation.as_json:
            more = {
                "environment": settings,
                "publishing_environment": publishing,
                "writing_environment": writing if info.provision_app_key else None,
            }
            print_json({"schema": "accesssync.sandbox/1", "url": info.url, **more})
            return
        say(f"# {users:,} users, seed {seed}, at {info.url}; stop with Ctrl-C. In another terminal:")
        for name, value in settings.items():
            say(f"export {name}={value}")
        if info.minimal_app_key:
            say(f"# or a key with only the scopes that a sync needs: export DD_APP_KEY={info.minimal_app_key}")
        if info.provision_app_key:
            say("# to write to it as well:")
            for name, written in writing.items():
                say(f"# export {name}={written}")
        say("# to publish to it and to install there:")
        for name, written in publishing.items():
            say(f"# export {name}={written}")
        import sys

        sys.stdout.flush()

    try:
        run(
            generate(users, seed, now()),
            on_ready=ready,
            port=port,
            max_page_size=max_page_size,
            latency_ms=latency_ms,
            rate_limit=rate_limit,
            gzip=not no_gzip,
            seed=seed,
        )
    except OSError as error:
        raise UsageError(
            f"port {port} of 127.0.0.1 cannot be used: {error.strerror or error}", remedy="choose another with --port"
        ) from error
