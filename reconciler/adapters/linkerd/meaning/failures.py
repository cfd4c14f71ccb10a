"""Annotations of a Service about endpoints that fail.

Source: linkerd2, policy-controller/k8s/index/src/outbound/index.rs (parse_accrual_config).
"""

from __future__ import annotations

from typing import Any

from reconciler.adapters.importing import Body
from reconciler.adapters.linkerd.meaning.annotations import keys_of, milliseconds

ACCRUAL = "balancer.linkerd.io/failure-accrual"
FAILURES = f"{ACCRUAL}-consecutive-max-failures"
SHORTEST = f"{ACCRUAL}-consecutive-min-penalty"
LONGEST = f"{ACCRUAL}-consecutive-max-penalty"
JITTER = f"{ACCRUAL}-consecutive-jitter-ratio"
#: what holds where an annotation says nothing
USUAL = {"failures": 7, "shortest": 1000, "longest": 60_000, "jitter": "0.5"}


def failures(body: Body) -> dict[str, Any]:
    """Nothing where endpoints are used whatever they answer. ValueError for what the mesh cannot read."""
    said = keys_of(body)
    if ACCRUAL not in said:
        return {}
    if said[ACCRUAL] != "consecutive":
        raise ValueError(f"{said[ACCRUAL]!r} is no way to count failures that is known")
    made: dict[str, Any] = dict(USUAL)
    made |= {"failures": int(said[FAILURES])} if FAILURES in said else {}
    made |= {"shortest": milliseconds(said[SHORTEST])} if SHORTEST in said else {}
    made |= {"longest": milliseconds(said[LONGEST])} if LONGEST in said else {}
    return made | ({"jitter": said[JITTER]} if JITTER in said else {})
