"""What the operator decides, read from the environment, an env file and mounted secrets.

`environment` is the only module that reads the environment. Until `load` has merged the sources, every setting is a
string under the name of its variable, so that each complaint can name the variable as it was written. Settings are
declared by what they are about, in `form` and in the modules that it is put together from.
"""

from accesssync.settings.environment import load, service_manager
from accesssync.settings.form import Settings
from accesssync.settings.organization import OrgForm, OrgSettings
from accesssync.settings.problem import Problem
from accesssync.settings.publishing import Publishing
from accesssync.settings.values import SKIPPABLE

__all__ = ["SKIPPABLE", "OrgForm", "OrgSettings", "Problem", "Publishing", "Settings", "load", "service_manager"]
