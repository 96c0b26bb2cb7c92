"""The receiver's log: one JSON object a line.

Never a key, a password, a name or a place: fields are passed by name, so that a
reader of the code sees what goes out.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

# The libraries that speak MQTT and HTTP for us; what they warn of belongs into the same log.
_LIBRARIES = ("amqtt", "aiomqtt", "transitions", "aiohttp")


class JsonLog:
    """Writes to `stream`; None writes nothing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def info(self, event: str, **fields: object) -> None:
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        if self._stream is None:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": time, "level": level, "event": event, **fields}, default=str, ensure_ascii=False)
        # One write a line, so that lines of several processes do not tear each other.
        self._stream.write(line + "\n")
        self._stream.flush()

    @contextmanager
    def with_libraries(self) -> Iterator[None]:
        """Take the libraries' warnings in, without their tracebacks, instead of letting them reach stderr."""
        handler = _Handler(self)
        loggers = [logging.getLogger(name) for name in _LIBRARIES]
        before = [(logger.level, logger.propagate) for logger in loggers]
        for logger in loggers:
            logger.addHandler(handler)
            logger.setLevel(logging.WARNING)
            logger.propagate = False
        try:
            yield
        finally:
            for logger, (level, propagate) in zip(loggers, before, strict=True):
                logger.removeHandler(handler)
                logger.setLevel(level)
                logger.propagate = propagate


class _Handler(logging.Handler):
    def __init__(self, log: JsonLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.warning("library", source=record.name, message=record.getMessage())
