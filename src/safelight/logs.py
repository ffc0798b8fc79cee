"""Log lines: JSON for machines, colours for a terminal, the request's and the job's id on each."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, ExcInfo

# The last line of defence: whoever logs a secret by mistake logs dots. Our keys, common keys of
# providers, passwords in addresses, signatures of links, and what follows “Bearer”.
_SECRET = re.compile(
    r"\bsl_[0-9A-Za-z]{20,}"
    r"|\b[sp]k-[\w-]{12,}"
    r"|(?<=://)[^/\s:@\"]*:[^/\s@\"]+(?=@)"
    r"|(?<=sig=)[\w-]{20,}"
    r"|(?<=[Bb]earer )[\w.~+/=-]{8,}"
)


def set_up(log_format: Literal["auto", "json", "pretty"], level: str) -> None:
    """Send our lines and those of the libraries to stderr in one form."""
    pretty = log_format == "pretty" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = (
        # The default traceback shows every local variable, keys too, and takes seconds.
        [_harmless, structlog.dev.ConsoleRenderer(exception_formatter=_traceback)]
        if pretty
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    )
    last[-1] = _without_secrets(last[-1])
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))


def _harmless(_logger: object, _level: str, line: EventDict) -> EventDict:
    """The renderer prints texts as they are, and a terminal does what they say: some are a
    stranger's, such as a path."""
    return {key: _visible(told) if isinstance(told, str) else told for key, told in line.items()}


def _traceback(out: TextIO, error: ExcInfo) -> None:
    plain = StringIO()
    structlog.dev.plain_traceback(plain, error)
    out.write(_visible(plain.getvalue()))


def _visible(text: str) -> str:
    """What cannot be printed, written as Python does; line breaks stay."""
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def _without_secrets(render: Callable[..., str | bytes]) -> Callable[..., str]:
    def rendered(*line: Any) -> str:
        text = render(*line)
        return _SECRET.sub("…", text if isinstance(text, str) else text.decode())

    return rendered


def _json(line: Any, **_: Any) -> str:
    return orjson.dumps(line, default=str).decode()
