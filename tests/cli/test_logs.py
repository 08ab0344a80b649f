"""The log: a line an event, whatever strangers call themselves, and no secret in it."""

import json
import logging

import pytest

from accesssync.cli.logs import Log, hear_libraries

KEY = "canary0api0key0canary0api0key000"
HOSTILE = ["two\nlines", "\x1b[2Jgone", "a\rb", "\u202eevil", "tab\there", '{"level": "info"}', "\x00"]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_name_cannot_forge_a_line(capsys: pytest.CaptureFixture[str], form: str, name: str) -> None:
    Log(form, dated=True)("job.done", f"hello {name}", org=name)
    written = capsys.readouterr().err
    assert written.endswith("\n")
    [line] = written[:-1].split("\n")
    assert line.isprintable()
    assert "\x1b" not in line
    if form == "json":
        read = json.loads(line)
        assert (read["message"], read["org"], read["level"]) == (f"hello {name}", name, "info")


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_taken_out_by_value_and_by_pattern(capsys: pytest.CaptureFixture[str], form: str) -> None:
    log = Log(form, [KEY, "pass word"])
    log("x", f"key {KEY} and pass word and {'ab12' * 10} and ddapp_Abcdef123456", level="error", org=KEY)
    written = capsys.readouterr().err
    for secret in (KEY, "pass word", "ab12" * 10, "ddapp_Abcdef123456"):
        assert secret not in written
    assert "[redacted]" in written


def test_libraries_complain_by_the_same_way_and_without_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    hear_libraries(Log("text", [KEY], dated=True))
    try:
        try:
            raise ValueError(KEY)
        except ValueError:
            logging.getLogger("apscheduler.executors.work").exception("Job %s raised\nan exception", KEY)
        logging.getLogger("apscheduler.scheduler").info("Added job")
    finally:
        for name in ("apscheduler", "asyncio", "procrastinate", "psycopg"):
            logging.getLogger(name).handlers = []
            logging.getLogger(name).propagate = True
            logging.getLogger(name).setLevel(logging.NOTSET)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert KEY not in written
    assert "(ValueError)" in written
