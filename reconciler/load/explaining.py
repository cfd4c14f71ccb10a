"""``explain``: where the variables of a cluster come from."""

from __future__ import annotations

from dataclasses import replace

from reconciler.load.clusters import gather_variables
from reconciler.load.documents import identify
from reconciler.load.files import read_files
from reconciler.load.inventory import read_inventory
from reconciler.load.ledger import Ledger
from reconciler.load.precedence import VariableOrigin, read_variable_files
from reconciler.load.values import plain
from reconciler.model.commits import SourceTree


def explain(tree: SourceTree, cluster: str, mesh: str = "") -> tuple[VariableOrigin, ...]:
    """Every variable of a cluster, or with ``mesh`` as it reads on that mesh of it, with the definitions that it
    beat; by name. Empty for a cluster that is not known."""
    files = read_files(tree)
    documents = [(one.ref, one.root) for one in identify(files.documents, Ledger())]
    variables = gather_variables(documents, read_inventory(files.inventory), read_variable_files(files.variables))
    if cluster not in variables.groups:
        return ()
    return tuple(
        replace(
            origin,
            value=plain(origin.value),
            beaten=tuple(replace(one, value=plain(one.value)) for one in origin.beaten),
        )
        for origin in variables.origins(cluster, mesh)
    )
