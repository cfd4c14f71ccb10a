"""Credentials: contexts, token files, exec plugins, client certificates, in-cluster configuration, proxies."""

from __future__ import annotations

import base64
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.config import incluster_config

from reconciler.io.kube import kubeconfig
from reconciler.io.kube.access import proxy_for
from reconciler.io.kube.cluster import KubeCluster
from reconciler.io.kube.plain_config import plain_access
from reconciler.model.clusters import InClusterConnection, KubeconfigConnection
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.ports import Forbidden, Unreachable
from tests.io.kube.conftest import Open
from tests.kube.control_plane import ApiServer
from tests.kube.stub import Answer, StubServer

NAMESPACE = NativeKind(KindId("", "Namespace"), ("v1",), "namespaces", namespaced=False)
DEFAULT = ObjectKey("", "Namespace", "", "default")
EXEC = "client.authentication.k8s.io/v1"


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def credential(token: str, **more: str) -> str:
    return json.dumps({"apiVersion": EXEC, "kind": "ExecCredential", "status": {"token": token, **more}})


def plugin(command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": EXEC, "command": command, "interactiveMode": "Never", **more}}


async def is_known(cluster: KubeCluster) -> bool:
    return await cluster.read(DEFAULT, NAMESPACE) is not None


async def test_an_exec_plugin_gives_the_token_once(kube: ApiServer, open_with: Open, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    script(tmp_path / "login", f'echo "$WHO $1" >> {runs}\ncat <<E\n{credential(kube.token("admin"))}\nE')
    config = kube.config(plugin("./login", args=["now"], env=[{"name": "WHO", "value": "me"}]))
    cluster = open_with(config)
    assert await is_known(cluster)
    assert await is_known(cluster)
    assert runs.read_text() == "me now\n"


async def test_a_refused_token_makes_the_plugin_run_again(kube: ApiServer, open_with: Open, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(credential("stale"))
    config = kube.config(plugin(str(script(tmp_path / "login", f"cat {token}"))))
    cluster = open_with(config)
    with pytest.raises(Forbidden, match="Unauthorized"):
        await is_known(cluster)
    token.write_text(credential(kube.token("admin"), expirationTimestamp="2020-01-01T00:00:00Z"))
    assert await is_known(cluster)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'please log in first' >&2; exit 3", r"failed \(3\): please log in first"),
        ("echo 'token eyJhbGciOiJSUzI1NiJ9.e30.x' >&2; exit 1", r"failed \(1\): token \*\*\*$"),
        ("echo hello", "printed no ExecCredential"),
        (f"echo '{credential('')}'", "neither a token nor a certificate"),
        ('echo \'{"apiVersion": "v9", "status": {}}\'', "speaks v9"),
        ("head -c 200000 /dev/zero >&2; exit 1", r"failed \(1\)"),
    ],
)
async def test_a_plugin_that_fails_is_heard(
    kube: ApiServer, open_with: Open, tmp_path: Path, text: str, words: str
) -> None:
    config = kube.config(plugin(str(script(tmp_path / "login", text))))
    with pytest.raises(Forbidden, match=words):
        await is_known(open_with(config))


async def test_a_failing_plugin_is_not_run_for_every_request(kube: ApiServer, open_with: Open, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    config = kube.config(plugin(str(script(tmp_path / "login", f"echo run >> {runs}; exit 1"))))
    with pytest.raises(Forbidden, match="failed"):
        await open_with(config).inspect([NAMESPACE])
    assert runs.read_text() == "run\n"


async def test_a_plugin_that_is_not_there_is_told(kube: ApiServer, open_with: Open) -> None:
    with pytest.raises(Forbidden, match="no-such-plugin cannot be run"):
        await is_known(open_with(kube.config(plugin("no-such-plugin"))))


async def test_a_hanging_plugin_is_ended(
    kube: ApiServer, open_with: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubeconfig.plugin, "TIMEOUT", 0.2)
    config = kube.config(plugin(str(script(tmp_path / "login", "exec sleep 60"))))
    with pytest.raises(Forbidden, match=r"no answer within 0\.2 s"):
        await is_known(open_with(config))


async def test_a_context_is_chosen_by_name_or_is_the_current_one(
    kube_clusters: list[ApiServer], tmp_path: Path
) -> None:
    merged = kube_clusters[0].config({"token": kube_clusters[0].token("admin")}, "first")
    second = kube_clusters[1].config({"token": kube_clusters[1].token("admin")}, "second")
    for section in ("clusters", "users", "contexts"):
        merged[section] += second[section]
    path = tmp_path / "both"
    path.write_text(json.dumps(merged))
    for context, server in (("", kube_clusters[0]), ("c0", kube_clusters[0]), ("c1", kube_clusters[1])):
        access = await kubeconfig.load(KubeconfigConnection(str(path), context))
        assert access.server == server.url
    cluster = KubeCluster("one", KubeconfigConnection(str(path), "c1"))
    assert await is_known(cluster)
    await cluster.close()
    with pytest.raises(Unreachable, match="c9"):
        await kubeconfig.load(KubeconfigConnection(str(path), "c9"))


async def test_the_usual_places_are_merged(
    kube_clusters: list[ApiServer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both = f"{tmp_path}/absent:{kube_clusters[0].kubeconfig}:{kube_clusters[1].kubeconfig}"
    monkeypatch.setenv("KUBECONFIG", both)
    assert (await kubeconfig.load(KubeconfigConnection(context="c1"))).server == kube_clusters[1].url


async def test_a_token_file_is_read_anew_when_it_is_refused(kube: ApiServer, open_with: Open, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("stale\n")
    cluster = open_with(kube.config({"tokenFile": str(token)}))
    with pytest.raises(Forbidden, match="Unauthorized"):
        await is_known(cluster)
    token.write_text(kube.token("admin") + "\n")
    assert await is_known(cluster)


async def test_inline_certificates_leave_no_files(
    kube: ApiServer, open_with: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    config = kube.config({"token": kube.token("admin")})
    cluster = config["clusters"][0]["cluster"]
    del cluster["certificate-authority"]
    cluster["certificate-authority-data"] = base64.b64encode(kube.ca.read_bytes()).decode()
    pair = (
        base64.b64encode(kube.ca.read_bytes()).decode(),
        base64.b64encode(kube.ca.with_suffix(".key").read_bytes()).decode(),
    )
    config["users"][0]["user"] |= {"client-certificate-data": pair[0], "client-key-data": pair[1]}
    assert await is_known(open_with(config))
    assert list(scratch.iterdir()) == []


async def test_relative_paths_start_at_the_kubeconfig(kube: ApiServer, open_with: Open, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(kube.ca.read_bytes())
    (tmp_path / "token").write_text(kube.token("admin"))
    config = kube.config({"tokenFile": "token"})
    config["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    assert await is_known(open_with(config))


async def test_impersonation_is_not_forgotten(kube: ApiServer, open_with: Open) -> None:
    config = kube.config({"token": kube.token("admin"), "as": "nobody", "as-groups": ["a", "b"]})
    with pytest.raises(Forbidden, match='User "nobody" cannot'):
        await is_known(open_with(config))


@pytest.mark.parametrize(
    "content", ["", "{}", "a: [", "[]", '{"current-context": "x", "contexts": [], "users": [], "clusters": []}']
)
async def test_a_broken_kubeconfig_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(Unreachable, match=str(path)) as caught:
        await kubeconfig.load(KubeconfigConnection(str(path)))
    assert not caught.value.retryable


async def test_in_cluster_configuration_follows_the_token_file(
    kube: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("stale\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(kube.port))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(kube.ca))
    cluster = KubeCluster("here", InClusterConnection())
    with pytest.raises(Forbidden, match="Unauthorized"):
        await is_known(cluster)
    token.write_text(kube.token("admin") + "\n")
    assert await is_known(cluster)
    await cluster.close()


async def test_a_configured_proxy_is_used(open_with: Open, stub: StubServer) -> None:
    config = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://api.invalid", "proxy-url": stub.url}}],
        "users": [],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    stub.answer = lambda _: Answer.failure(500, "reached the proxy")
    with pytest.raises(Exception, match="reached the proxy"):
        await is_known(open_with(config))
    assert stub.requests[0].path == "http://api.invalid/api/v1"


def test_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example.com, 10.0.0.0/8,bad/net")
    assert proxy_for("https://api.example.com:6443") == "http://proxy:3128"
    assert proxy_for("https://inside.example.com:6443") == ""
    assert proxy_for("https://inside.example.com", "http://chosen:1") == "http://chosen:1"
    assert proxy_for("http://api.example.com") == ""
    assert proxy_for("https://10.96.0.1:443") == ""
    assert proxy_for("https://11.96.0.1:443") == "http://proxy:3128"
    assert proxy_for("https://127.0.0.1:6443") == ""
    with pytest.raises(Unreachable, match="socks5 is not supported"):
        proxy_for("https://api.example.com", "socks5://proxy:1080")


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("named", ["", "c0"])
async def test_a_plain_kubeconfig_reads_as_by_the_library(
    kube: ApiServer, tmp_path: Path, inline: bool, named: str
) -> None:
    config = kube.config({"token": kube.token("admin")})
    cluster = config["clusters"][0]["cluster"]
    cluster |= {"tls-server-name": "kubernetes", "proxy-url": "http://proxy.example:3128"}
    if inline:
        del cluster["certificate-authority"]
        cluster["certificate-authority-data"] = base64.b64encode(kube.ca.read_bytes()).decode()
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    connection = KubeconfigConnection(str(path), named)
    plain, read = plain_access(connection), await kubeconfig.load(connection)
    assert plain is not None
    assert plain.tls is not None
    assert read.tls is not None
    assert plain.tls.get_ca_certs() == read.tls.get_ca_certs() != []
    assert replace(plain, tls=None) == replace(read, tls=None)


@pytest.mark.parametrize(
    "user",
    [
        plugin("login"),
        {"tokenFile": "token"},
        {"username": "ada", "password": "x"},
        {"token": "x", "as": "bob"},
        {"auth-provider": {"name": "oidc", "config": {}}},
        {"client-certificate": "not-there.crt", "client-key": "not-there.key"},
    ],
)
def test_what_is_not_plain_is_for_the_library(kube: ApiServer, tmp_path: Path, user: dict[str, Any]) -> None:
    path = tmp_path / "config"
    path.write_text(json.dumps(kube.config(user)))
    assert plain_access(KubeconfigConnection(str(path), "")) is None
    path.write_text(json.dumps(kube.config({"token": "x"})))
    assert plain_access(KubeconfigConnection(str(path), "")) is not None
    assert plain_access(KubeconfigConnection(str(path), "other")) is None
    assert plain_access(KubeconfigConnection(f"{path}:{path}", "")) is None
    assert plain_access(KubeconfigConnection(str(tmp_path / "missing"), "")) is None
