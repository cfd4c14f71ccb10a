"""What a proxy reads its identity from: two files that it watches, each with one secret (it takes no more from a file).

They are replaced by a rename, which is what it looks for; connections that are open go on with what they began with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from reconciler.io.durable import make_folder, replace_file
from reconciler.io.identity import Authority, Identity, IdentityError, Issued, certificate_of_key, issue, needs_renewal

IDENTITY = "identity"
TRUST = "trust"
_SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"


def identity_file(issued: Issued) -> bytes:
    """The certificate and its key; the version is told by the certificate alone."""
    certificate = {
        "certificate_chain": {"inline_string": issued.certificate_chain_pem},
        "private_key": {"inline_string": issued.key_pem},
    }
    return _file({"name": IDENTITY, "tls_certificate": certificate}, issued.certificate_chain_pem)


def trust_file(roots: Sequence[str]) -> bytes:
    """The roots (PEM) whose certificates are accepted, each once; that of the own trust domain among them."""
    together = "".join(sorted(set(roots)))
    return _file({"name": TRUST, "validation_context": {"trusted_ca": {"inline_string": together}}}, together)


def path_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def held_certificate(folder: Path) -> str:
    """The certificate in the folder, "" when there is none that could be used with the key beside it."""
    try:
        found = orjson.loads(path_of(folder, IDENTITY).read_bytes())["resources"][0]["tls_certificate"]
        chain, key = (found[part]["inline_string"] for part in ("certificate_chain", "private_key"))
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return chain if certificate_of_key(str(chain), str(key)) else ""


def renew(
    folder: Path,
    authority: Authority,
    identity: Identity,
    lifetime: timedelta,
    now: datetime,
    roots: Sequence[str] = (),
) -> bool:
    """Write what is missing, due or different; whether something was. ``roots``: other trust domains' to accept.

    IdentityError when it cannot be written.
    """
    due = needs_renewal(held_certificate(folder), authority, identity, now)
    trust = trust_file([authority.root_pem, *roots])
    try:
        make_folder(folder)
        changed = _write_changed(path_of(folder, TRUST), trust)
        if due:
            replace_file(path_of(folder, IDENTITY), identity_file(issue(authority, identity, lifetime, now)))
    except OSError as problem:
        raise IdentityError(f"cannot write {problem.filename or folder}: {problem.strerror}") from problem
    return changed or due


def _write_changed(path: Path, content: bytes) -> bool:
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        pass
    replace_file(path, content)
    return True


def _file(secret: Mapping[str, Any], told_by: str) -> bytes:
    version = hashlib.sha256(told_by.encode()).hexdigest()[:16]
    content = {"version_info": version, "resources": [{"@type": _SECRET, **secret}]}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
