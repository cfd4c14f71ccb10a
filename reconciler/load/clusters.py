"""The clusters of a repository, from Cluster documents and from the inventory, with their groups and variables."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.load.blocks import Decoder
from reconciler.load.checked import Checked
from reconciler.load.complaints import check
from reconciler.load.estate import GROUP_LABEL, cluster
from reconciler.load.inventory import Inventory
from reconciler.load.ledger import Ledger
from reconciler.load.longform import long_form
from reconciler.load.nodes import Map, position
from reconciler.load.precedence import VariableFiles, Variables
from reconciler.load.schemas import future_hint, is_future_field, strict_schema
from reconciler.load.shortforms import mapping
from reconciler.load.variables import uses
from reconciler.model.clusters import (
    ApiConnection,
    AwsConnection,
    Cluster,
    Connection,
    DirectoryConnection,
    ProxiesConnection,
)
from reconciler.model.findings import Finding, error, warning
from reconciler.model.refs import API_VERSION, DocRef

_LABELS = "labels"


def gather_variables(documents: Iterable[tuple[DocRef, Map]], inventory: Inventory, files: VariableFiles) -> Variables:
    """All variables, and the groups of each cluster: from the inventory, or from labels of its document."""
    groups = {host: frozenset(inventory.groups_of(host)) for host in inventory.hosts}
    for ref, root in documents:
        if ref.kind == "Cluster" and ref.name not in groups:
            labels = root["metadata"].get(_LABELS)
            own = [key.removeprefix(GROUP_LABEL) for key in labels or () if key.startswith(GROUP_LABEL)]
            groups[ref.name] = frozenset(inventory.lineage(own) - {"all"})
    return Variables(inventory, files, groups)


def decode_clusters(documents: list[Checked], variables: Variables, ledger: Ledger) -> dict[str, Cluster]:
    """Every usable cluster by name; the ledger gets the others."""
    roots = {document.ref.name: document.root for document in documents if document.ref.kind == "Cluster"}
    found: dict[str, Cluster] = {}
    for name in sorted({*roots, *variables.inventory.hosts}):
        ref = DocRef("Cluster", "default", name)
        root, findings = _root(name, ref, roots.get(name), variables, ledger)
        into = Decoder(ref, findings)
        made = None if findings else cluster(root, variables.groups.get(name, ()), into)
        if made is None or into.findings:
            ledger.refuse(root.at[0], ref, into.findings)
        else:
            found[name] = made
    _refuse_shared_folders(found, ledger)
    return found


def _root(
    name: str, ref: DocRef, document: Map | None, variables: Variables, ledger: Ledger
) -> tuple[Map, list[Finding]]:
    """The document of a cluster, or the one that its inventory entry amounts to; and what is wrong with it."""
    hosts = variables.inventory.hosts
    blocked = variables.unusable(name)
    findings = []
    if blocked is not None:
        message = f"the cluster `{name}` cannot be used while its variables in {blocked.position.path} are broken"
        at = position(document.at if document is not None else hosts[name][0])
        findings.append(error("broken-reference", message, at, "", ref))
    if document is None:
        root = _from_inventory(name, variables, ledger)
        findings += [
            error("variable-place", "variables are not filled in in a Cluster", position(at), "", ref)
            for at in uses(root, root.at).values()
        ]
        return long_form("Cluster", root), [*findings, *check("Cluster", root, ref)]
    if name in hosts:
        places = (position(document.at), position(hosts[name][0]))
        message = f"the cluster `{name}` is in the inventory and has a document"
        for here, there in (places, places[::-1]):
            findings.append(error("cluster-twice", f"{message}, at {there}", here, "keep one of them", ref))
    return document, findings


def _from_inventory(name: str, variables: Variables, ledger: Ledger) -> Map:
    at = variables.inventory.hosts[name][0]
    known = strict_schema("Cluster")["properties"]["spec"]["properties"]
    metadata, spec = mapping(at, name=name), Map(at)
    for key, (value, key_at, value_at) in sorted(variables.winners(name).items()):
        if key in known:
            spec.put(key, value, key_at, value_at)
        elif key == _LABELS:
            metadata.put(key, value, key_at, value_at)
        elif is_future_field("Cluster.spec", key):
            message = f"`{key}` is only a variable here: Cluster.spec.{key} is not supported yet"
            hint = future_hint("Cluster.spec", key)
            ledger.findings.append(warning("unsupported-field", message, position(key_at), hint))
    return mapping(at, apiVersion=API_VERSION, kind="Cluster", metadata=metadata, spec=spec)


def _refuse_shared_folders(found: dict[str, Cluster], ledger: Ledger) -> None:
    """Two clusters that write to one folder, or to the same servers, would remove each other's objects."""
    by_path: dict[str, list[Cluster]] = {}
    for one in found.values():
        if place := _place(one.connection):
            by_path.setdefault(place, []).append(one)
    for path, same in by_path.items():
        for one in same if len(same) > 1 else ():
            others = ", ".join(f"`{other.name}`" for other in same if other is not one)
            told = f"the cluster `{one.name}` writes to `{path}`, as does {others}"
            finding = error("shared-folder", told, one.position, "give each a place of its own", one.ref)
            ledger.refuse(one.position.path, one.ref, [finding])
            del found[one.name]


def _place(connection: Connection) -> str:
    """Where a cluster is written to, as far as it is known beforehand, or ""."""
    if isinstance(connection, ApiConnection):
        scope = " ".join(part for part in (connection.datacenter, connection.partition) if part)
        return f"{connection.address.rstrip('/').lower()} {scope}".rstrip()
    if isinstance(connection, AwsConnection):
        return f"{connection.endpoint or 'aws'} {connection.region} {_whose(connection)}".rstrip()
    if isinstance(connection, (DirectoryConnection, ProxiesConnection)):
        parts = [part for part in connection.path.split("/") if part not in ("", ".")]
        return "/" * connection.path.startswith("/") + "/".join(parts)
    return ""


def _whose(connection: AwsConnection) -> str:
    """An account, where it is known; else what tells it apart from others."""
    of_role = connection.role.split(":")[4] if connection.role else ""
    return connection.account or of_role or (connection.secret.place if connection.secret else "")
