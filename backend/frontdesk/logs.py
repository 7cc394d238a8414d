"""The one log format: structlog's lines, gunicorn's and every library's, readable on a terminal, JSON otherwise."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["auto", "console", "json"]
# Libraries whose lines below this level tell of their own machinery, with URLs and queries in them.
_QUIET = dict.fromkeys(("urllib3", "gql", "requests", "httpx", "httpcore"), logging.WARNING)


def configure_logging(level: str, format_: Format, stream: TextIO | None = None) -> None:
    """Send every log line of the process to `stream` (standard error by default), from `level` up.

    May be called again; the last call counts.
    """
    output = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _frames_without_values,
    ]
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _add_logger],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(format_, output),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _rendering(format_: Format, output: TextIO) -> list[Processor]:
    if format_ == "console" or (format_ == "auto" and output.isatty()):
        return [_printable, structlog.dev.ConsoleRenderer(colors=output.isatty(), repr_native_str=True)]
    return [_first_things_first, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _printable(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Take from the text what would steer a terminal; the renderer quotes the other values, and not this one."""
    text = str(event.get("event", ""))
    return {**event, "event": "".join(character if character.isprintable() else "�" for character in text)}


def _add_logger(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event


def _first_things_first(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {**{name: event[name] for name in ("timestamp", "level", "event") if name in event}, **event}


def _frames_without_values(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace an exception by its types and frames.

    The text of a foreign exception may hold what it choked on: a profile, a header, a secret.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_frames(error))
    return event


def _frames(error: BaseException) -> list[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = _frames(earlier) if earlier is not None else []
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
    lines += [
        f"  {frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return lines
