"""What a process has logged, line by line, as JSON."""

import json
from typing import Any


def log_lines(log: str, event: str | None = None, **fields: object) -> list[dict[str, Any]]:
    """The lines of a log with this text and these fields; lines that others wrote are passed over."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [
        line
        for line in lines
        if event in (None, line["event"]) and all(line.get(name) == value for name, value in fields.items())
    ]
