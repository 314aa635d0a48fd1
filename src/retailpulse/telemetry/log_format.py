"""How a log line is written: JSON for machines, a sentence and its fields for people; secrets masked in both.

Everything here happens only for a line that is really written.
"""

import json
import logging
import os
import re
from datetime import UTC, datetime
from functools import partial
from textwrap import indent
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from retailpulse.telemetry.log_fields import FIELDS, context_fields
from retailpulse.telemetry.redaction import redact_fields, redact_text

MOST_FRAMES = 20
"""Of a traceback."""
INDENT = "    "
"""Before each line of a traceback, which may hold lines of others."""
_PLAIN = re.compile(r"[^\s\"'=\\\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_COLOURS = {"DEBUG": "\x1b[2m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31;1m"}
_RESET = "\x1b[0m"
_HEAD = ("timestamp", "level", "process", "pid", "logger", "event", "exception")


def make_formatter(process: str, *, as_json: bool, colours: bool) -> logging.Formatter:
    """Formats the records of every logger, of libraries too; `process` is what this process is called."""
    show_exception: Processor = (
        structlog.processors.ExceptionRenderer(
            ExceptionDictTransformer(show_locals=False, max_frames=MOST_FRAMES)
        )
        if as_json
        else structlog.processors.format_exc_info
    )
    render: Processor = (
        structlog.processors.JSONRenderer() if as_json else partial(_render_line, colours=colours)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), show_exception],
        processors=[partial(_add_context, process=process), render],
    )


def _add_context(_logger: WrappedLogger, _method: str, event: EventDict, *, process: str) -> EventDict:
    """When, where and about what a line was written, in the order in which it is read, without secrets."""
    record: logging.LogRecord = event.pop("_record")
    event.pop("_from_structlog")
    written_at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    head = {
        "timestamp": written_at.replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "process": process,
        "pid": os.getpid(),
        "logger": record.name,
        "event": redact_text(event.pop("event")),
    }
    about = context_fields() | {name: event.pop(name) for name in FIELDS if name in event}
    fields = {**event, **{name: about[name] for name in FIELDS if name in about}}
    return head | redact_fields({name: value for name, value in fields.items() if value is not None})


def _render_line(_logger: WrappedLogger, _method: str, event: dict[str, Any], *, colours: bool) -> str:
    level = event["level"].upper()
    sentence = _UNPRINTABLE.sub(_escape, str(event["event"]))
    fields = "".join(f" {name}={_value(value)}" for name, value in event.items() if name not in _HEAD)
    colour = _COLOURS.get(level) if colours else None
    shown = f"{level:<7}" if colour is None else f"{colour}{level:<7}{_RESET}"
    line = f"{event['timestamp']} {shown} {event['process']}: {sentence}{fields}"
    traceback = event.get("exception")
    return line if not traceback else f"{line}\n{indent(traceback, INDENT)}"


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def _value(value: object) -> str:
    """A value as one word, quoted as JSON quotes it if it is none."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if not isinstance(value, str) or _PLAIN.fullmatch(text) else json.dumps(text)
