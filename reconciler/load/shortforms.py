"""The short forms of docs/api.md, one function per place: text in, the one long form out.

Texts are of the schema's form. Every entry of a long form stands at the place of the short one.
"""

from __future__ import annotations

from typing import Any

from reconciler.load.nodes import Map, Place, Seq

RETRY_ON = ("5xx", "connect-failure", "refused-stream")


def mapping(at: Place, **entries: Any) -> Map:
    """A made-up mapping, all of it at one place."""
    made = Map(at)
    for key, value in entries.items():
        made.add(key, value)
    return made


def service(text: str, at: Place) -> Map:
    """``reviews.shop[.eu-1]``"""
    name, namespace, *cluster = text.split(".", 2)
    made = mapping(at, name=name, namespace=namespace)
    return made.add("cluster", cluster[0]) if cluster else made


def target(text: str, at: Place) -> Map:
    """``reviews.shop``, ``*.shop``, ``destination/x``, ``host/x``, ``*``"""
    if text == "*":
        return mapping(at, everything=True)
    if text.startswith("destination/"):
        return mapping(at, destinations=Seq.of(at, text.removeprefix("destination/")))
    if text.startswith("host/"):
        return mapping(at, hosts=Seq.of(at, text.removeprefix("host/")))
    return mapping(at, services=Seq.of(at, service(text, at)))


def source(text: str, at: Place) -> Map:
    """``productpage.shop``, ``sa/…``, ``ns/…``, ``mesh/…``, ``gateway/…``, ``spiffe://…``, ``ip/…``, ``*``"""
    if text == "*":
        return mapping(at, authenticated=True)
    if text.startswith("spiffe://"):
        return mapping(at, identities=Seq.of(at, text))
    kind, slash, rest = text.partition("/")
    match kind if slash else "":
        case "sa":
            return mapping(at, serviceAccounts=Seq.of(at, service(rest, at)))
        case "ns":
            return mapping(at, namespaces=Seq.of(at, rest))
        case "mesh":
            return mapping(at, meshes=mapping(at, names=Seq.of(at, rest)))
        case "gateway":
            return mapping(at, gateways=Seq.of(at, rest))
        case "ip":
            return mapping(at, ipBlocks=mapping(at, include=Seq.of(at, rest)))
        case _:
            return mapping(at, services=Seq.of(at, service(text, at)))


def request(text: str, at: Place) -> Map:
    """``GET,HEAD /health``, ``* /admin/*``"""
    methods, _, path = text.partition(" ")
    whole = not path.endswith("/*")
    where = mapping(at, exact=path) if whole else mapping(at, prefix=path.removesuffix("/*") or "/")
    made = mapping(at, path=where)
    return made if methods == "*" else made.add("methods", Seq.of(at, *methods.split(",")))


def meshes(text: str, at: Place) -> Map:
    """``prod``: the members of a virtual mesh"""
    return mapping(at, virtualMeshes=Seq.of(at, text))


def weights(subsets: Map) -> Seq:
    """``{v1: 90, v2: 10}``: parts of the policy's own target"""
    made = Seq(subsets.at)
    for name, weight, key_at, value_at in subsets.entries():
        entry = Map(key_at)
        entry.put("to", mapping(key_at, subset=name), key_at, key_at)
        entry.put("weight", weight, value_at, value_at)
        made.push(entry, key_at)
    return made


def retries(attempts: int, at: Place) -> Map:
    """``3``"""
    return mapping(at, attempts=attempts, on=Seq.of(at, *RETRY_ON))
