"""Consul by its HTTP API. ``cluster`` is the whole: configuration entries and intentions as objects in the form of
their custom resources, services of the catalog as facts."""
