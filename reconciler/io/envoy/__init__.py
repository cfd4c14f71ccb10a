"""Envoy proxies configured by files: ``cluster`` is a folder of them as a cluster, ``xds`` its files, ``admin`` what
the proxies themselves say, ``statuses`` what comes of both.
"""
