"""The one log format."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from frontdesk.logs import configure_logging


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_a_librarys_have_the_same_shape() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    structlog.stdlib.get_logger("ours").info("checkin.written", tenant="default")
    logging.getLogger("gunicorn.error").warning("Booting %s", "worker")

    ours, theirs = entries(stream)
    assert list(ours)[:3] == list(theirs)[:3] == ["timestamp", "level", "event"]
    assert (ours["event"], ours["tenant"], ours["level"]) == ("checkin.written", "default", "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == (
        "Booting worker",
        "gunicorn.error",
        "warning",
    )


def test_what_is_below_the_level_is_not_logged() -> None:
    stream = io.StringIO()
    configure_logging("warning", "json", stream)

    structlog.stdlib.get_logger("ours").info("quiet")
    logging.getLogger("theirs").info("quiet")

    assert entries(stream) == []


def test_http_libraries_do_not_tell_of_urls_even_at_debug() -> None:
    stream = io.StringIO()
    configure_logging("debug", "json", stream)

    logging.getLogger("urllib3.connectionpool").debug("GET /secret")
    logging.getLogger("httpx").info("HTTP Request: GET /secret")
    logging.getLogger("httpcore.http11").debug("send_request_headers: secret")

    assert entries(stream) == []


@pytest.mark.parametrize(
    ("format_", "stream", "is_json"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
    ],
)
def test_people_at_a_terminal_get_text_and_machines_json(
    format_: Literal["auto", "console", "json"], stream: io.StringIO, is_json: bool
) -> None:
    configure_logging("info", format_, stream)

    structlog.stdlib.get_logger("ours").info("checkin.written")

    assert stream.getvalue().startswith("{") is is_json
    assert "checkin.written" in stream.getvalue()


@pytest.mark.parametrize("format_", ["json", "console"])
def test_a_stranger_cannot_steer_a_terminal_or_begin_a_line(format_: Literal["json", "console"]) -> None:
    stream = io.StringIO()
    configure_logging("info", format_, stream)

    structlog.stdlib.get_logger("ours").info("http.request", path="/\x1b[2J\nforged", user_id="a\x1b]0;b\x07")
    logging.getLogger("gunicorn.error").warning("Invalid request: %s", "\x1b[2J\nforged")

    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("format_", ["json", "console"])
def test_an_exception_is_logged_with_its_frames_and_without_its_values(
    format_: Literal["json", "console"],
) -> None:
    stream = io.StringIO()
    configure_logging("info", format_, stream)
    password = "hunter2"

    def inner() -> None:
        raise KeyError(password)

    try:
        try:
            inner()
        except KeyError as error:
            raise ValueError(password) from error
    except ValueError:
        structlog.stdlib.get_logger("ours").exception("failed")
        logging.getLogger("theirs").exception("failed too")

    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("builtins.KeyError") == 2
    assert stream.getvalue().count("builtins.ValueError") == 2
    assert "in inner" in stream.getvalue()
