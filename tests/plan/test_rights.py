"""The least role: what is in it for which use, nothing twice, the same for the same."""

from __future__ import annotations

from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId
from reconciler.model.rights import Right, worded
from reconciler.plan.rights import Use, role, writing

PODS = NativeKind(KindId("", "Pod"), ("v1",), "pods")
MAPS = NativeKind(KindId("", "ConfigMap"), ("v1",), "configmaps")
ROUTES = NativeKind(KindId("mesh.example.com", "Route"), ("v1",), "routes")
FILTERS = NativeKind(KindId("mesh.example.com", "Filter"), ("v1",), "filters")
GRANTS = NativeKind(KindId("rbac.authorization.k8s.io", "Role"), ("v1",), "roles")
READING = Use((PODS,), {"one": (MAPS, ROUTES)}, {"one": (ROUTES, FILTERS)})
CRDS = {Right("apiextensions.k8s.io", "customresourcedefinitions", verb) for verb in ("get", "list", "watch")}
LISTED = {Right("", name, verb) for name in ("pods", "configmaps") for verb in ("list", "watch")} | {
    Right("mesh.example.com", name, verb) for name in ("routes", "filters") for verb in ("list", "watch")
}


def test_reading_lists_and_watches_and_nothing_else() -> None:
    assert role(READING).rights == LISTED | CRDS


def test_only_what_is_written_is_written_and_deleted_only_where_something_is_pruned() -> None:
    use = Use(READING.facts, READING.detected, READING.listed, {"one": (ROUTES,)})
    more = role(use).rights - role(READING).rights
    assert more == {Right("mesh.example.com", "routes", verb) for verb in ("create", "delete", "get", "patch")}
    kept = Use(use.facts, use.detected, use.listed, use.written, deletes=False)
    assert role(use).rights - role(kept).rights == {Right("mesh.example.com", "routes", "delete")}
    assert writing([ROUTES], deletes=False) == more - {Right("mesh.example.com", "routes", "delete")}


def test_no_right_stands_twice_and_no_section_is_empty() -> None:
    use = Use((PODS, MAPS), READING.detected, READING.listed, {"one": (ROUTES,)}, (ROUTES, PODS), (ROUTES, MAPS))
    made = role(use)
    rights = [
        Right(rule.group, resource, verb)
        for section in made.sections
        for rule in section.rules
        for resource in rule.resources
        for verb in rule.verbs
    ]
    assert len(rights) == len(set(rights))
    assert all(section.rules for section in made.sections)
    assert Right("", "configmaps", "patch") in rights


def test_the_order_of_what_is_handed_in_does_not_matter() -> None:
    turned = Use((PODS,), {"one": (ROUTES, MAPS)}, {"one": (FILTERS, ROUTES)})
    assert role(turned) == role(READING)


def test_what_grants_rights_is_told_to_need_them() -> None:
    told = [section.why for section in role(Use((), more_written=(GRANTS,))).sections]
    assert "lets an account grant by a role only what it holds itself" in told[-1]
    plain = [section.why for section in role(Use((), more_written=(ROUTES,))).sections]
    assert "lets an account grant" not in plain[-1]


def test_rights_in_words() -> None:
    rights = [
        Right("g", "b", "patch"),
        Right("", "pods", "list"),
        Right("g", "b", "create"),
        Right("g", "b", "get", "n"),
    ]
    assert worded(rights) == "list pods; create, patch b.g; get b.g in namespace n"
