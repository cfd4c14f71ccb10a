"""Envoy proxies of machines, each configured by files of its own folder: v3 xDS resources, one native object for each.

``kinds`` lists them, ``proxies`` tells who gets them; ``outbound`` is what callers do, ``inbound`` what services do.
"""

from reconciler.adapters.envoy.adapter import ADAPTER as ADAPTER
