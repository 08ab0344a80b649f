"""Settings: where they come from, what they refuse, and that no secret gets out of them."""

import re
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from accesssync.errors import ConfigurationError, UsageError
from accesssync.model.coverage import Resource
from accesssync.model.operation import NEEDS, Operation
from accesssync.settings import SKIPPABLE, OrgForm, Settings, load

API_KEY = "canary0api0key0canary0api0key000"
APP_KEY = "canary0app0key0canary0app0key0canary0000"
PASSWORD = "canary0database0password"
CANARIES = (API_KEY, APP_KEY, APP_KEY[::-1], PASSWORD)
EXAMPLE = Path(__file__).parent.parent / "config.example.env"


def read(**environ: str) -> Settings:
    return load(environ=environ)


def refusal(environ: Mapping[str, str], env_file: Path | None = None) -> ConfigurationError:
    """The error that these settings cause, after proof that nothing secret is in any part of it."""
    with pytest.raises(ConfigurationError) as caught:
        load(env_file, environ).organizations(need_keys=True)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=False).format())
    everything = shown + repr(caught.value.__context__) + caught.value.line()
    for secret in CANARIES:
        assert secret not in everything
    return caught.value


def test_nothing_set_gives_one_organization_called_default() -> None:
    settings = read()
    (org,) = settings.organizations()
    assert (org.name, org.site, org.api_base) == ("default", "datadoghq.com", "https://api.datadoghq.com")
    assert (org.api_key, org.app_key, org.skip) == (None, None, frozenset())
    assert settings.warnings == ()


def test_database_lies_in_the_state_directory_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert read().database_url.get_secret_value().endswith("accesssync.db")
    if sys.platform == "linux":
        assert read().database_url.get_secret_value() == f"sqlite:///{tmp_path}/accesssync/accesssync.db"
    assert read(ACCESSSYNC_DATABASE_URL="sqlite:///x.db").database_url.get_secret_value() == "sqlite:///x.db"


def test_environment_beats_env_file_beats_secrets_directory(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("ACCESSSYNC_CONCURRENCY", "accesssync_page_size", "ACCESSSYNC_MAX_ATTEMPTS"):
        (secrets / name).write_text("1\n")
    env_file = tmp_path / "settings.env"
    env_file.write_text(
        f"ACCESSSYNC_CONCURRENCY=2\nexport ACCESSSYNC_PAGE_SIZE='2'\nACCESSSYNC_SECRETS_DIR={secrets}\n"
    )
    settings = load(env_file, {"ACCESSSYNC_CONCURRENCY": "3"})
    assert (settings.concurrency, settings.page_size, settings.max_attempts) == (3, 2, 1)


def test_env_file_of_the_current_directory_is_read_when_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ACCESSSYNC_CONCURRENCY=2")
    other = tmp_path / "other"
    other.write_text("ACCESSSYNC_PAGE_SIZE=7")
    assert read().concurrency == 2
    assert load(other, {}).concurrency == 8


def test_values_in_the_env_file_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/elsewhere")
    env_file = tmp_path / "settings.env"
    env_file.write_text("ACCESSSYNC_DATABASE_URL='sqlite:///${HOME}/x.db'")
    assert load(env_file, {}).database_url.get_secret_value() == "sqlite:///${HOME}/x.db"


def test_empty_means_unset_in_every_source(tmp_path: Path) -> None:
    (tmp_path / "DD_API_KEY").write_text(API_KEY)
    env_file = tmp_path / "settings.env"
    env_file.write_text("DD_API_KEY=\nACCESSSYNC_CONCURRENCY=3\n")
    environ = {"ACCESSSYNC_SECRETS_DIR": str(tmp_path), "DD_API_KEY": "", "ACCESSSYNC_CONCURRENCY": ""}
    settings = load(env_file, environ)
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == API_KEY
    assert settings.concurrency == 3


def test_secrets_directory_holds_settings_of_organizations_too(tmp_path: Path) -> None:
    (tmp_path / "accesssync_orgs__emea__api_key").write_text(f"  {API_KEY}\r\n")
    (tmp_path / "ACCESSSYNC_ORGS__EMEA__APP_KEY").write_text(APP_KEY)
    (tmp_path / "..data").mkdir()
    (tmp_path / "unrelated").write_bytes(b"\xff")
    (org,) = read(ACCESSSYNC_SECRETS_DIR=str(tmp_path)).organizations(need_keys=True)
    assert (org.name, org.keys()) == ("emea", (API_KEY, APP_KEY))


def test_several_organizations_replace_the_single_form_and_override_global_settings() -> None:
    settings = read(
        DD_SITE="us5.datadoghq.com",
        DD_API_KEY="no good",
        ACCESSSYNC_API_URL="http://127.0.0.1:8080/",
        ACCESSSYNC_SKIP="teams, api_keys,",
        ACCESSSYNC_ORGS__EMEA__SITE="datadoghq.eu",
        ACCESSSYNC_ORGS__EMEA__API_URL="https://api.datadoghq.eu",
        ACCESSSYNC_ORGS__Acme__SKIP="roles",
        ACCESSSYNC_ORGS__ACME__API_KEY=API_KEY,
    )
    acme, emea = settings.organizations()
    assert (acme.name, acme.site, acme.api_base) == ("acme", "datadoghq.com", "http://127.0.0.1:8080")
    assert (emea.name, emea.site, emea.api_base) == ("emea", "datadoghq.eu", "https://api.datadoghq.eu")
    assert (acme.skip, emea.skip) == (frozenset({"roles"}), frozenset({"teams", "api_keys"}))
    assert emea.api_key is None
    assert settings.warnings == ("ignored because ACCESSSYNC_ORGS__... variables are set: DD_SITE, DD_API_KEY",)


def test_organizations_are_chosen_by_name() -> None:
    settings = read(ACCESSSYNC_ORGS__EMEA__SITE="datadoghq.eu", ACCESSSYNC_ORGS__A__SITE="datadoghq.com")
    assert [org.name for org in settings.organizations(["EMEA", "emea"])] == ["emea"]
    with pytest.raises(UsageError, match=r"^no organization is called apac$") as caught:
        settings.organizations(["apac", "a"])
    assert caught.value.remedy == "configured: a, emea"


@pytest.mark.parametrize(
    ("environ", "variables"),
    [
        ({}, ["DD_API_KEY", "DD_APP_KEY"]),
        ({"DD_API_KEY": API_KEY}, ["DD_APP_KEY"]),
        (
            {"ACCESSSYNC_ORGS__X__APP_KEY": APP_KEY, "ACCESSSYNC_ORGS__Y__API_KEY": API_KEY},
            ["ACCESSSYNC_ORGS__X__API_KEY", "ACCESSSYNC_ORGS__Y__APP_KEY"],
        ),
    ],
)
def test_missing_keys_are_named_only_when_they_are_needed(environ: dict[str, str], variables: list[str]) -> None:
    load(environ=environ).organizations()
    error = refusal(environ)
    assert error.message.startswith(f"{variables[0]} is not set")
    for variable in variables:
        assert variable in error.message
    with pytest.raises(ConfigurationError, match=variables[0]):
        load(environ=environ).organizations()[0].keys()


@pytest.mark.parametrize(
    ("variable", "value", "what", "example"),
    [
        ("DD_SITE", "app.datadoghq.eu", "did you mean datadoghq.eu?", "DD_SITE=datadoghq.eu"),
        ("DD_SITE", API_KEY, "is none of the Datadog sites", "DD_SITE=datadoghq.eu"),
        ("DD_API_KEY", f"{API_KEY}\n", "contains a space or a line break", "DD_API_KEY=0123"),
        ("DD_API_KEY", f"{API_KEY} ", "contains a space or a line break", "DD_API_KEY=0123"),
        ("DD_APP_KEY", f"{APP_KEY}é", "contains a character that no key has", "DD_APP_KEY=0123"),
        ("DD_APP_KEY", f"{APP_KEY}\x00", "contains a character that no key has", "DD_APP_KEY=0123"),
        ("DD_APP_KEY", f'"{APP_KEY}"', "in quotation marks", "DD_APP_KEY=0123"),
        ("ACCESSSYNC_ORGS__EMEA__API_KEY", f"{API_KEY}\t", "contains a space", "ACCESSSYNC_ORGS__EMEA__API_KEY=0123"),
        ("ACCESSSYNC_ORGS__emea__site", "eu", "is none of the Datadog sites", "ACCESSSYNC_ORGS__EMEA__SITE="),
        ("ACCESSSYNC_ORGS__-a__SITE", "datadoghq.eu", "names its organization", "ACCESSSYNC_ORGS__EMEA__SITE"),
        ("ACCESSSYNC_API_URL", "https://example.com", "neither loopback nor", "=https://api.datadoghq.eu"),
        ("ACCESSSYNC_API_URL", f"https://{PASSWORD}@[::1]", "user name or password", "=https://api.datadoghq.eu"),
        ("ACCESSSYNC_ORGS__EMEA__API_URL", "http://api.datadoghq.eu", "unencrypted", "=https://api.datadoghq.eu"),
        ("ACCESSSYNC_ALLOW_OTHER_HOST", "perhaps", "must be true or false", "ACCESSSYNC_ALLOW_OTHER_HOST=true"),
        ("ACCESSSYNC_DATABASE_URL", f"mysql://u:{PASSWORD}@h/d", "must be sqlite:///PATH", "=sqlite:////srv/"),
        ("ACCESSSYNC_DATABASE_URL", f"postgresql+psycopg://u:{PASSWORD}@h/\nd", "line break", "=sqlite:////srv/"),
        ("ACCESSSYNC_DATABASE_URL", "sqlite:///:memory:", "must name a file", "=sqlite:////srv/"),
        ("ACCESSSYNC_DATABASE_URL", "sqlite://", "must be sqlite:///PATH", "=sqlite:////srv/"),
        ("ACCESSSYNC_SKIP", "service_accounts", "read with users and cannot", "=teams,api_keys"),
        ("ACCESSSYNC_SKIP", "roles,grants", "read with users and cannot", "=teams,api_keys"),
        ("ACCESSSYNC_SKIP", "userz", "names userz, which is none of", "=teams,api_keys"),
        ("ACCESSSYNC_SKIP", API_KEY, "names something, which is none of", "=teams,api_keys"),
        ("ACCESSSYNC_ORGS__EMEA__SKIP", "userz", "names userz", "ACCESSSYNC_ORGS__EMEA__SKIP=teams,api_keys"),
        (
            "ACCESSSYNC_ALLOWED_OPERATIONS",
            "create_user,grant_roles",
            "names grant_roles, which is no write operation (did you mean grant_role?)",
            "=create_user,send_invitation,grant_role",
        ),
        ("ACCESSSYNC_ALLOWED_OPERATIONS", "everything", "names everything, which is none of create_user, ", "=create_"),
        ("ACCESSSYNC_ALLOWED_OPERATIONS", API_KEY, "names something, which is none of create_user, ", "=create_user"),
        (
            "ACCESSSYNC_ORGS__EMEA__ALLOWED_OPERATIONS",
            "*",
            "names something, which is none of",
            "ACCESSSYNC_ORGS__EMEA__ALLOWED_OPERATIONS=create_user",
        ),
        ("ACCESSSYNC_PROVISION_APP_KEY", f"{APP_KEY}\n", "a space or a line break", "ACCESSSYNC_PROVISION_APP_KEY=01"),
        ("ACCESSSYNC_SECRETS_DIR", "/does/not/exist", "cannot be read", "=/run/secrets"),
        ("ACCESSSYNC_CONCURRENCY", "33", "a whole number of requests from 1 to 32", "ACCESSSYNC_CONCURRENCY=8"),
        ("ACCESSSYNC_CONCURRENCY", "0", "a whole number of requests from 1 to 32", "ACCESSSYNC_CONCURRENCY=8"),
        ("ACCESSSYNC_PAGE_SIZE", "5001", "a whole number of records from 1 to 5,000", "ACCESSSYNC_PAGE_SIZE=1000"),
        ("ACCESSSYNC_PAGE_SIZE", API_KEY, "a whole number of records", "ACCESSSYNC_PAGE_SIZE=1000"),
        ("ACCESSSYNC_PAGE_SIZE", "10.5", "a whole number of records", "ACCESSSYNC_PAGE_SIZE=1000"),
        ("ACCESSSYNC_READ_TIMEOUT", "30s", "a number of seconds from 0.1 to 600", "ACCESSSYNC_READ_TIMEOUT=30"),
        ("ACCESSSYNC_READ_TIMEOUT", "nan", "a number of seconds from 0.1 to 600", "ACCESSSYNC_READ_TIMEOUT=30"),
        ("ACCESSSYNC_RUN_DEADLINE", "inf", "a number of seconds from 1 to 86,400", "ACCESSSYNC_RUN_DEADLINE=1800"),
        ("accesssync_rate_limit_share", "101", "percent from 0 to 90", "ACCESSSYNC_RATE_LIMIT_SHARE=20"),
    ],
)
def test_refusals_name_the_variable_the_fault_and_a_right_value(
    variable: str, value: str, what: str, example: str
) -> None:
    error = refusal({variable: value})
    assert error.message.startswith(f"{variable} ")
    assert what in error.message
    assert error.remedy is not None
    assert example in error.remedy
    assert "\n" not in error.line()


def test_several_problems_make_one_line_with_every_name() -> None:
    error = refusal({"DD_API_KEY": "two words", "ACCESSSYNC_PAGE_SIZE": "big", "ACCESSSYNC_ORGS__X__SKIP": "nope"})
    # DD_API_KEY is none of the problems: the organizations replace it.
    assert "DD_API_KEY" not in error.line()
    assert error.message.startswith("ACCESSSYNC_ORGS__X__SKIP names nope")
    assert error.message.endswith("(and 1 more: ACCESSSYNC_PAGE_SIZE)")


def test_a_problem_says_which_file_its_variable_stands_in(tmp_path: Path) -> None:
    env_file = tmp_path / "settings.env"
    env_file.write_text(f"ACCESSSYNC_SECRETS_DIR={tmp_path}\nACCESSSYNC_PAGE_SIZE=0\n")
    (tmp_path / "dd_api_key").write_text("two words")
    message = refusal({}, env_file).message
    assert message.startswith(f"dd_api_key (in {tmp_path}) contains a space")
    assert message.endswith(f"(and 1 more: ACCESSSYNC_PAGE_SIZE (in {env_file}))")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"# note\n\n\n{API_KEY} {APP_KEY}\nDD_SITE=x".encode(), "line 4 of the env file"),
        (f"DD_API_KEY={API_KEY}\xff".encode("latin-1"), "is not UTF-8 text"),
        (b"#" * 4_200_000, "is larger than 4,194,304 bytes"),
    ],
)
def test_a_broken_env_file_is_refused_without_showing_it(tmp_path: Path, content: bytes, message: str) -> None:
    env_file = tmp_path / "settings.env"
    env_file.write_bytes(content)
    assert message in refusal({}, env_file).message


def test_a_named_env_file_must_exist(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal({}, tmp_path / "absent").message


def test_another_host_needs_leave() -> None:
    settings = read(ACCESSSYNC_API_URL="https://mock.example.com", ACCESSSYNC_ALLOW_OTHER_HOST="true")
    assert settings.organizations()[0].api_base == "https://mock.example.com"


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("ACCESSSYNC_PAGESIZE", "; did you mean ACCESSSYNC_PAGE_SIZE?"),
        ("accesssync_skips", "; did you mean ACCESSSYNC_SKIP?"),
        ("ACCESSSYNC_ORGS__EMEA__APIKEY", "; did you mean ACCESSSYNC_ORGS__EMEA__API_KEY?"),
        ("ACCESSSYNC_QUITE_ANOTHER_THING", ""),
        ("ACCESSSYNC_ORGS", ""),
    ],
)
def test_unknown_variables_are_a_warning(variable: str, suggestion: str) -> None:
    settings = load(environ={variable: API_KEY, "DD_TRACE_ENABLED": "true"})
    assert len(settings.warnings) == 1
    assert settings.warnings[0].startswith(f"{variable} is not a setting and is ignored{suggestion}")
    assert API_KEY not in settings.warnings[0]


def test_nothing_may_be_written_unless_it_is_allowed() -> None:
    (org,) = read().organizations()
    assert (org.provision_app_key, org.allowed_operations) == (None, frozenset())
    (org,) = read(ACCESSSYNC_ALLOWED_OPERATIONS=" Create_User, grant_role,").organizations()
    assert org.allowed_operations == {Operation.CREATE_USER, Operation.GRANT_ROLE}
    (org,) = read(ACCESSSYNC_ALLOWED_OPERATIONS=",".join(NEEDS)).organizations()
    assert org.allowed_operations == set(Operation)


def test_an_organization_may_write_less_or_more_than_the_others() -> None:
    settings = read(
        ACCESSSYNC_ALLOWED_OPERATIONS="disable_user",
        ACCESSSYNC_PROVISION_APP_KEY=APP_KEY,
        ACCESSSYNC_ORGS__AMER__SITE="datadoghq.com",
        ACCESSSYNC_ORGS__APAC__ALLOWED_OPERATIONS="none",
        ACCESSSYNC_ORGS__EMEA__ALLOWED_OPERATIONS="enable_user",
        ACCESSSYNC_ORGS__EMEA__PROVISION_APP_KEY=API_KEY,
    )
    amer, apac, emea = settings.organizations()
    assert [set(org.allowed_operations) for org in (amer, apac, emea)] == [{"disable_user"}, set(), {"enable_user"}]
    keys = [org.provision_app_key.get_secret_value() for org in (amer, apac, emea) if org.provision_app_key]
    assert keys == [APP_KEY, APP_KEY, API_KEY]
    assert emea.variable("ALLOWED_OPERATIONS") == "ACCESSSYNC_ORGS__EMEA__ALLOWED_OPERATIONS"
    assert read().organizations()[0].variable("ALLOWED_OPERATIONS") == "ACCESSSYNC_ALLOWED_OPERATIONS"


def test_an_organization_can_take_itself_out_of_a_list_that_all_have() -> None:
    settings = read(ACCESSSYNC_SKIP="teams", ACCESSSYNC_ORGS__A__SKIP="None", ACCESSSYNC_ORGS__A__ORG_DOMAINS="none")
    assert (settings.organizations()[0].skip, settings.organizations()[0].org_domains) == (frozenset(), frozenset())


def test_everything_the_contract_lists_can_be_skipped() -> None:
    assert set(Resource) <= SKIPPABLE
    assert read(ACCESSSYNC_SKIP=",".join(SKIPPABLE).upper()).skip == SKIPPABLE


@pytest.mark.parametrize("several", [False, True])
def test_no_way_of_printing_settings_shows_a_secret(several: bool) -> None:
    prefix = "ACCESSSYNC_ORGS__EMEA__" if several else "DD_"
    settings = load(
        environ={
            f"{prefix}API_KEY": API_KEY,
            f"{prefix}APP_KEY": APP_KEY,
            f"{prefix if several else 'ACCESSSYNC_'}PROVISION_APP_KEY": APP_KEY[::-1],
            "ACCESSSYNC_DATABASE_URL": f"postgresql+psycopg://u:{PASSWORD}@db.example.com/a",
        }
    )
    orgs = settings.organizations(need_keys=True)
    assert orgs[0].keys() == (API_KEY, APP_KEY)
    shown = [repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json(), repr(orgs)]
    shown += [str(settings.model_dump(mode="json")), str(dict(settings)), f"{settings.orgs}"]
    assert not [secret for secret in CANARIES for text in shown if secret in text]


def documented() -> dict[str, tuple[str, str, str]]:
    """From the example file: the default, unit and meaning of each variable."""
    pattern = re.compile(
        r"^# (?P<text>.+)\n# Unit: (?P<unit>.+?)\. Default: (?P<default>.+)\n#(?P<name>\w+)=(.*)$", re.M
    )
    found = {one["name"]: (one["default"], one["unit"], one["text"]) for one in pattern.finditer(EXAMPLE.read_text())}
    assert len(found) == len(re.findall(r"^#?\w+=", EXAMPLE.read_text(), re.M)), "an entry has another form"
    return found


def declared(form: type[BaseModel], prefix: str = "") -> dict[str, tuple[str, str, str]]:
    """From the class: the same."""

    def default(setting: FieldInfo) -> str:
        value = setting.default
        if setting.default_factory is dict or value == ():
            return "none"
        if setting.default_factory is not None:
            made: Any = setting.get_default(call_default_factory=True)
            path = made.get_secret_value() if isinstance(made, SecretStr) else str(made)
            return f"{Path(path).name} in the user's state directory"
        if value is None or value == frozenset():
            return "none"
        if isinstance(value, frozenset):
            return ",".join(sorted(value))
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:g}" if isinstance(value, float) else str(value)

    fields = {str(field.alias): field for field in form.model_fields.values() if field.alias != "ACCESSSYNC_ORGS"}
    extras = {name: field.json_schema_extra for name, field in fields.items()}
    units = {name: str(extra["unit"]) for name, extra in extras.items() if isinstance(extra, dict)}
    return {prefix + name: (default(field), units[name], field.description or "") for name, field in fields.items()}


def test_the_example_file_equals_the_settings() -> None:
    assert documented() == declared(Settings) | declared(OrgForm, "ACCESSSYNC_ORGS__ACME__")


def test_the_example_file_can_be_used_once_its_comments_are_removed(tmp_path: Path) -> None:
    uncommented = re.sub(r"^#(\w+=)", r"\1", EXAMPLE.read_text(), flags=re.M)
    env_file = tmp_path / "all.env"
    env_file.write_text(
        re.sub(r"^ACCESSSYNC_SECRETS_DIR=.*$", f"ACCESSSYNC_SECRETS_DIR={tmp_path}", uncommented, flags=re.M)
    )
    (org,) = load(env_file, {}).organizations(need_keys=True)
    assert org.name == "acme"


def test_importing_the_settings_loads_no_heavy_library() -> None:
    heavy = ("datadog_api_client", "sqlalchemy", "sqlmodel", "alembic", "apscheduler", "starlette", "rich", "urllib3")
    code = f"import sys, accesssync.settings; print([name for name in {heavy!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=EXAMPLE.parent)
    assert ran.stdout == "[]\n"
