"""The stages in order: prepare, discover, compile, observe, plan, apply, record. Dry-run is where you stop.

``run.plan`` and ``run.apply`` are the doors; the ports come in with ``world.World``.
"""
