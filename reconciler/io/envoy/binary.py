"""Where the proxy is: it comes with the extra ``local`` of this package, or from the system."""

from __future__ import annotations

from pathlib import Path

from reconciler.io.local.children import find_program


def find_envoy() -> Path | None:
    return find_program("envoy")
