"""Git as a source of desired state: ``source`` is the face; the rest is a mirror, plumbing and parsing."""

from reconciler.io.git.credentials import Credentials, Secret
from reconciler.io.git.refs import RefSpec
from reconciler.io.git.source import GitSource

__all__ = ["Credentials", "GitSource", "RefSpec", "Secret"]
