"""A Kubernetes cluster behind ``reconciler.ports.Cluster``: raw JSON over one HTTP session per cluster.

``cluster`` is the way in; ``access`` finds and refreshes credentials, ``transport`` carries requests, ``reading`` and
``writing`` know the API.
"""
