"""The kit itself: several clusters that know nothing of each other, and CRDs for every adapter's kinds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.adapters import registry
from tests.kube import crds
from tests.kube.control_plane import SETUP, ApiServer, assets_folder, missing_assets


def test_clusters_are_separate(kube_clusters: list[ApiServer], fresh_namespace: str) -> None:
    path = f"/api/v1/namespaces/{fresh_namespace}/configmaps"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "here"}}
    assert kube_clusters[0].request("POST", path, body)[0] == 201
    assert kube_clusters[1].request("GET", f"{path}/here")[0] == 404


def test_the_kinds_of_every_adapter_are_served(kube_clusters: list[ApiServer], mesh_crds: str) -> None:
    assert mesh_crds == ("real" if crds.collection() else "permissive")
    for adapter in registry.load_all().values():
        for kind in adapter.kinds:
            if "." in kind.kind.group and kind.kind.group not in crds.BUILT_IN:
                for server in kube_clusters:
                    statuses = [
                        server.request("GET", f"/apis/{kind.kind.group}/{version}/{kind.plural}?limit=1")[0]
                        for version in kind.versions
                    ]
                    assert 200 in statuses, kind


def test_permissive_crds_serve_every_version_and_keep_every_field(kube: ApiServer, fresh_namespace: str) -> None:
    for adapter in registry.load_all().values():
        for kind in adapter.kinds:
            if "." in kind.kind.group and kind.kind.group not in crds.BUILT_IN:
                body = crds.permissive(kind)
                status, answer = kube.request("POST", f"{crds.PATH}?dryRun=All", body)
                # 409 where the real one is installed already: then it was valid
                assert status in (201, 409), answer


def test_the_binaries_are_looked_for_where_the_recipe_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = assets_folder()
    folder.mkdir(parents=True)
    assert missing_assets(folder) == ("etcd", "kube-apiserver")
    for name in ("etcd", "kube-apiserver"):
        (folder / name).touch(mode=0o755)
    done = subprocess.run([SETUP], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert assets_folder() == tmp_path
    refused = subprocess.run([SETUP], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "holds no kube-apiserver" in refused.stderr
