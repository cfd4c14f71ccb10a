"""A role as YAML for kubectl: a ClusterRole with its reasons as comments, and what binds it to a service account."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from textwrap import wrap

from reconciler.model.rights import Role, RoleRule

WIDTH = 110
_RBAC = "rbac.authorization.k8s.io"


def role_yaml(role: Role, name: str, account: tuple[str, str] | None = None) -> str:
    """``account``: namespace and name of the ServiceAccount to make and bind; then there are three documents."""
    documents = [[*_comments(role.notes, ""), *_cluster_role(role, name)]]
    if account is not None:
        documents += [_service_account(*account), _binding(name, *account)]
    return "---\n".join("".join(f"{line}\n" for line in lines) for lines in documents)


def _cluster_role(role: Role, name: str) -> Iterator[str]:
    yield from _head(f"{_RBAC}/v1", "ClusterRole", name)
    yield "rules:"
    for section in role.sections:
        yield from _comments([section.why], "  ")
        for rule in section.rules:
            yield from _rule(rule)


def _rule(rule: RoleRule) -> Iterator[str]:
    yield f"  - apiGroups: {_list([rule.group])}"
    yield f"    resources: {_list(rule.resources)}"
    yield f"    verbs: {_list(rule.verbs)}"


def _service_account(namespace: str, name: str) -> list[str]:
    return _head("v1", "ServiceAccount", name, namespace)


def _binding(role: str, namespace: str, name: str) -> list[str]:
    return [
        *_head(f"{_RBAC}/v1", "ClusterRoleBinding", role),
        f"roleRef: {{apiGroup: {_RBAC}, kind: ClusterRole, name: {_text(role)}}}",
        "subjects:",
        f"  - {{kind: ServiceAccount, name: {_text(name)}, namespace: {_text(namespace)}}}",
    ]


def _head(api_version: str, kind: str, name: str, namespace: str = "") -> list[str]:
    place = f", namespace: {_text(namespace)}" if namespace else ""
    return [f"apiVersion: {api_version}", f"kind: {kind}", f"metadata: {{name: {_text(name)}{place}}}"]


def _comments(texts: Sequence[str], indent: str) -> Iterator[str]:
    for text in texts:
        for line in wrap(text, WIDTH - len(indent)):
            yield f"{indent}# {line}"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _text(value: str) -> str:
    """Quoted, so that no name is read as another type."""
    return json.dumps(value)
