"""Which variables are settings, and what to say of one that is wrong or unknown."""

import difflib
from typing import Any, cast

from pydantic.fields import FieldInfo

from accesssync.settings.form import Settings
from accesssync.settings.organization import ORGS, OrgForm
from accesssync.settings.problem import Problem, wrong

FIELDS: dict[str, FieldInfo] = {str(each.alias): each for each in Settings.model_fields.values() if each.alias != ORGS}
"""Every setting by its variable."""

ORG_FIELDS: dict[str, FieldInfo] = {str(each.alias): each for each in OrgForm.model_fields.values()}
"""The same within an organization."""


def explain(error: Any) -> Problem:
    """Say in our own words what pydantic found, without the value."""
    where = error["loc"][: 3 if error["loc"][0] == ORGS else 1]
    variable = "__".join(str(part).upper() for part in where)
    if error["type"] == "value_error":
        return problem(variable, str(error["ctx"]["error"]))
    field = _field(variable)
    if field.annotation is bool:
        return problem(variable, "must be true or false")
    if field.annotation not in (int, float):
        return problem(variable, error["msg"])
    number = "a whole number" if field.annotation is int else "a number"
    bounds = dict(cast("dict[str, Any]", field.json_schema_extra))
    return problem(variable, f"must be {number} of {bounds['unit']} from {bounds['ge']:,} to {bounds['le']:,}")


def _field(variable: str) -> FieldInfo:
    return FIELDS.get(variable) or ORG_FIELDS[variable.rpartition("__")[2]]


def problem(variable: str, what: str) -> Problem:
    """What is wrong with the value of a variable that is a setting."""
    return wrong(variable, what, _field(variable))


def nearest(variable: str) -> str:
    """A hint at the setting that is written most like this variable, or nothing."""
    org, _, setting = variable.rpartition("__")
    if org.startswith(ORGS + "__"):
        near = [f"{org}__{match}" for match in difflib.get_close_matches(setting, ORG_FIELDS, 1)]
    else:
        near = difflib.get_close_matches(variable, FIELDS, 1)
    return f"; did you mean {near[0]}?" if near else ""
