"""Text to ``DesiredState``: YAML with places, JSON Schemas, inventory and variables, references. Pure."""

from reconciler.load.expanding import expand
from reconciler.load.explaining import explain
from reconciler.load.patterns import select
from reconciler.load.precedence import Definition, VariableOrigin
from reconciler.load.schemas import KINDS, schema
from reconciler.load.state import load

__all__ = ["KINDS", "Definition", "VariableOrigin", "expand", "explain", "load", "schema", "select"]
