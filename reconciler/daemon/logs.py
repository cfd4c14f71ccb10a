"""Logs of the daemon by structlog: JSON lines for machines, readable lines on a terminal; times in UTC."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure(log_format: str) -> Any:
    """``log_format``: json, text, or auto (text on a terminal). Returns the logger. Logs go to standard error."""
    as_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if as_text else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # APScheduler would otherwise say the same through the standard library
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return structlog.get_logger()
