"""What a gateway is asked: nothing is silent, order and delegation keep what was meant, and claims are honest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.adapters import registry
from reconciler.adapters.base import Adapter, Level
from reconciler.compile.delegation import Apart, both
from reconciler.compile.tables import covers
from reconciler.model.canonical import encode
from reconciler.model.native import Compiled
from reconciler.model.selectors import Match, PathKind, PathMatch
from tests.adapters.test_istio_claims import ROUTE_LEAVES
from tests.cases import whole

ADAPTERS = registry.load_all()
GATEWAYS = {
    "istio": "gateway: istio-ingressgateway",
    "gateway-api": "controller: gatewayapi, class: any, namespace: edge",
}
LEAVES = [(name, path) for name in GATEWAYS for path in sorted(ROUTE_LEAVES)]
#: where a rule with this leaf goes: it answers itself, or forwards
ANSWERS = ("traffic.redirect", "traffic.respond")


def compiled(tmp_path: Any, name: str, rule: Mapping[str, Any]) -> Compiled:
    """One gateway with one route that has this rule; ``redirect`` and ``respond`` stand in ``then``."""
    answers = {key: rule[key] for key in rule if f"traffic.{key}" in ANSWERS}
    then = answers or {"route": [{"to": "productpage.shop"}]}
    rest = {key: value for key, value in rule.items() if key not in answers}
    route = {"then": then} | ({"rule": rest} if rest else {})
    text = (
        "apiVersion: reconciler.dev/v1alpha1\nkind: Mesh\nmetadata: {name: mesh}\n"
        f"spec: {{type: {name}, clusterSelector: {{}}}}\n---\n"
        "apiVersion: reconciler.dev/v1alpha1\nkind: Ingress\nmetadata: {name: public}\nspec:\n"
        f"  gateways: [{{{GATEWAYS[name]}}}]\n"
        "  listeners: [{name: http, port: 80, protocol: HTTP}]\n"
        f"  routes: {encode([route])}\n"
    )
    (tmp_path / "given.yaml").write_text(text)
    made, findings = whole.compiled(tmp_path)
    assert not findings, findings
    return made


def bodies(made: Compiled) -> str:
    return encode([one.body for objects in made.objects.values() for one in objects])


@pytest.mark.parametrize(("name", "path"), LEAVES)
def test_each_leaf_of_a_route_is_in_an_object_or_refused(tmp_path: Any, name: str, path: str) -> None:
    used, unused = ROUTE_LEAVES[path]
    if not unused and path.startswith(ANSWERS):
        unused = {"redirect": {"scheme": "http"}}
    made = compiled(tmp_path, name, used)
    about = [one for one in made.verdicts if path.startswith(one.capability) or one.capability.startswith(path)]
    told = [one for one in about if one.action != "Applied"]
    if any(one.action == "Refused" for one in made.verdicts):
        assert bodies(made) == "[]"
        assert told
    elif told:
        assert [one.action for one in told] == ["Degraded"]
    else:
        assert bodies(made) != bodies(compiled(tmp_path, name, unused))
        claim = ADAPTERS[name].capability(path)
        assert claim is not None
        assert claim.level is not Level.NONE


@pytest.mark.parametrize("adapter", [ADAPTERS[name] for name in GATEWAYS], ids=list(GATEWAYS))
def test_what_gateways_can_do_the_mesh_can(adapter: Adapter) -> None:
    """A claim for gateways does not stand alone, and both say what they need."""
    for path, claim in adapter.capabilities("").items():
        if path.startswith("ingress.rule.") and claim.level is not Level.NONE:
            inside = adapter.capability(f"traffic.{path.removeprefix('ingress.rule.')}")
            assert inside is not None, path
            assert inside.level is not Level.NONE, path


def test_gateways_have_names_that_admission_takes(tmp_path: Any) -> None:
    """A Gateway with a dot in its name is refused, and a reference with one is read as name.namespace."""
    compiled(tmp_path, "istio", {})
    given = (tmp_path / "given.yaml").read_text()
    (tmp_path / "given.yaml").write_text(
        given.replace("name: public", "name: the.front-door").replace("{name: http,", "{name: h-1,")
    )
    made, findings = whole.compiled(tmp_path)
    assert not findings
    objects = [one.body for several in made.objects.values() for one in several]
    (gateway,) = [body for body in objects if body["kind"] == "Gateway"]
    (routes,) = [body for body in objects if body["kind"] == "VirtualService"]
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", gateway["metadata"]["name"])
    assert routes["spec"]["gateways"] == [f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}"]


PREFIX, EXACT = PathKind.PREFIX, PathKind.EXACT


@pytest.mark.parametrize(
    ("above", "below", "together"),
    [
        (Match(), Match(methods=("GET",)), Match(methods=("GET",))),
        (Match(methods=("GET", "PUT")), Match(methods=("PUT", "POST")), Match(methods=("PUT",))),
        (Match(methods=("GET",)), Match(methods=("POST",)), None),
        (
            Match(path=PathMatch(PREFIX, "/a")),
            Match(path=PathMatch(EXACT, "/a/b")),
            Match(path=PathMatch(EXACT, "/a/b")),
        ),
        (Match(path=PathMatch(PREFIX, "/a")), Match(path=PathMatch(PREFIX, "/a")), Match(path=PathMatch(PREFIX, "/a"))),
        (Match(path=PathMatch(PREFIX, "/a")), Match(path=PathMatch(PREFIX, "/ab")), None),
        (Match(path=PathMatch(EXACT, "/a")), Match(path=PathMatch(PREFIX, "/a")), None),
        (Match(path=PathMatch(PREFIX, "/a")), Match(path=PathMatch(PathKind.REGEX, "/a/.*")), None),
        (Match(authority="a"), Match(authority="b"), None),
        (Match(scheme="http"), Match(authority="b"), Match(scheme="http", authority="b")),
    ],
)
def test_a_delegated_route_takes_what_meets_both(above: Match, below: Match, together: Match | None) -> None:
    if together is None:
        with pytest.raises(Apart):
            both(above, below)
    else:
        assert both(above, below) == together


@pytest.mark.parametrize(
    ("wide", "host", "is_covered"),
    [
        ("*", "a.example", True),
        ("a.example", "a.example", True),
        ("*.example", "a.example", True),
        ("*.example", "*.b.example", True),
        ("*.example", "example", False),
        ("*.b.example", "*.example", False),
        ("a.example", "*.example", False),
        ("*.example", "anexample", False),
    ],
)
def test_hosts_cover_hosts(wide: str, host: str, is_covered: bool) -> None:
    assert covers(wide, host) is is_covered
