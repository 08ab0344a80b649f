"""Read the settings. The only module that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from accesssync.settings.form import Settings
from accesssync.settings.given import Given
from accesssync.settings.problem import Problem, refuse
from accesssync.settings.variables import explain


def service_manager(environ: Mapping[str, str] | None = None) -> tuple[str | None, float | None]:
    """What systemd tells the programs it starts: the socket to notify, and the seconds within which it wants signs
    of life. None for what it does not ask for."""
    given = os.environ if environ is None else environ
    watchdog = given.get("WATCHDOG_USEC", "")
    mine = given.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
    return given.get("NOTIFY_SOCKET") or None, int(watchdog) / 1e6 if watchdog.isdigit() and mine else None


def load(env_file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings: the environment, then `env_file` (or .env where there is one), then the secrets directory.

    Raises ConfigurationError that names the variable as it was written and gives a right value. Several
    problems make one error: the first in full, the others by name.
    """
    given = Given.gather(env_file, os.environ if environ is None else environ)
    settings, problems = None, list(given.problems)
    try:
        settings = Settings(**given.nested())
    except ValidationError as invalid:
        problems += [explain(error) for error in invalid.errors(include_input=False, include_url=False)]
    # Raised out here because an error raised above would carry pydantic's, which holds the values.
    if settings is not None:
        problems += settings.problems()
    if settings is None or problems:
        refuse([Problem(given.written.get(each.variable, each.variable), each.what, each.remedy) for each in problems])
    settings._warnings = tuple(given.warnings)
    return settings
