"""Text inside regular expressions of the dialects that meshes read."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def quote(text: str) -> str:
    """Text as a literal inside an expression of any dialect."""
    return _SPECIAL.sub(r"\\\1", text)
