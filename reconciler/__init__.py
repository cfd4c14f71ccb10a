"""Declarative GitOps reconciler for many service meshes.

Read the path of the data in docs/architecture.md; each folder here is one stretch of it.
"""

__version__ = "0.1.0"
