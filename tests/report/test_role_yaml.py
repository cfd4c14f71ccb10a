"""A role as YAML: what kubectl reads is what was meant, whatever the names; reasons are comments."""

from __future__ import annotations

import yaml

from reconciler.model.rights import Role, RoleRule, RoleSection
from reconciler.report.role_yaml import role_yaml

WHY = "A reason that is much longer than a line may be. " * 5
ROLE = Role(
    ("What it is for.",),
    (
        RoleSection(
            WHY, (RoleRule("", ("pods", "services"), ("list",)), RoleRule("apps", ("deployments",), ("list",)))
        ),
        RoleSection("Odd names.", (RoleRule("no", ("yes", "1e3"), ("get", "list")),)),
    ),
)


def test_what_is_read_is_what_was_meant() -> None:
    (body,) = yaml.safe_load_all(role_yaml(ROLE, "on"))
    assert body == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "on"},
        "rules": [
            {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["list"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]},
            {"apiGroups": ["no"], "resources": ["yes", "1e3"], "verbs": ["get", "list"]},
        ],
    }


def test_reasons_are_comments_of_bearable_length() -> None:
    lines = role_yaml(ROLE, "r").splitlines()
    comments = [line.strip() for line in lines if line.strip().startswith("#")]
    assert comments[0] == "# What it is for."
    assert " ".join(line.removeprefix("# ") for line in comments[1:-1]) == WHY.strip()
    assert max(map(len, lines)) <= 112


def test_the_account_and_its_binding_come_with_it() -> None:
    _role, account, binding = yaml.safe_load_all(role_yaml(ROLE, "r", ("mesh", "runner")))
    assert account == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "runner", "namespace": "mesh"},
    }
    assert binding["metadata"] == {"name": "r"}
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "runner", "namespace": "mesh"}]
