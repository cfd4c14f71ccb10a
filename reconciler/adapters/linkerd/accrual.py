"""Circuit breaking: annotations of the Service. After so many failures in a row an endpoint gets no requests for a
time that doubles with each failed probe, from the shortest to the longest penalty.

Source: linkerd2, policy-controller/k8s/index/src/outbound/index.rs (parse_accrual_config).
"""

from __future__ import annotations

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.adapters.linkerd.lending import check_there
from reconciler.adapters.linkerd.retries import Annotations, length
from reconciler.model.intents import HostIntent

_PREFIX = "balancer.linkerd.io/failure-accrual"
_FAILURES = f"{_PREFIX}-consecutive-max-failures"
_SHORTEST = f"{_PREFIX}-consecutive-min-penalty"
_LONGEST = f"{_PREFIX}-consecutive-max-penalty"
#: the longest penalty where nobody says one
_USUAL = 60


def asked_of(host: HostIntent, gaps: Gaps) -> Annotations:
    """Nothing where no policy asks for it."""
    asked = section(tree(host.host_leaves), "outlier")
    if not asked:
        return {}
    check_there(host, leaf_at(host.host_leaves, "traffic.outlier"), gaps)
    made = {_PREFIX: "consecutive"}
    if "consecutiveErrors" in asked:
        made[_FAILURES] = str(int(asked["consecutiveErrors"]))
        if int(asked["consecutiveErrors"]) < 1:
            leaf = leaf_at(host.host_leaves, "traffic.outlier.consecutiveErrors")
            gaps.error("mesh-invalid-value", "at least one failure has to come before an endpoint is left out", leaf)
    if "baseEjection" in asked:
        leaf = leaf_at(host.host_leaves, "traffic.outlier.baseEjection")
        made[_SHORTEST] = length(asked["baseEjection"], leaf, gaps)
        if (seconds(asked["baseEjection"]) or 0) > _USUAL:
            made[_LONGEST] = made[_SHORTEST]
    return made
