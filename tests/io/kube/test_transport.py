"""What goes wrong on the way to an API server, and what we then say and do."""

from __future__ import annotations

import asyncio
import time

import pytest

from reconciler.io.kube import transport
from reconciler.io.kube.bucket import Bucket
from reconciler.ports import ClusterError, Forbidden, Rejected, ServerFailed, Throttled, Unreachable
from tests.io.kube.conftest import Open
from tests.io.kube.objects import SERVICE, WIDGET, live, put, widget, widget_key, widget_path
from tests.kube.control_plane import ApiServer
from tests.kube.faults import FaultProxy
from tests.kube.stub import Answer, StubServer


def stubbed(stub: StubServer, kube: ApiServer | None = None) -> dict[str, object]:
    stub.upstream = kube
    token = kube.token("admin") if kube else "s3cret-token"
    cluster = {"server": stub.url}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }


@pytest.mark.usefixtures("widgets")
class TestBetweenUsAndARealServer:
    async def test_a_read_is_tried_again_after_a_cut(
        self, kube: ApiServer, open_with: Open, fault_proxy: FaultProxy
    ) -> None:
        cluster = open_with(kube.config({"token": kube.token("admin")}, server=fault_proxy.url))
        fault_proxy.mode = "refuse"
        asked = asyncio.ensure_future(cluster.list_objects([WIDGET]))
        while not fault_proxy.connections and not asked.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        fault_proxy.mode = "pass"
        assert (await asked).unread == {}
        assert fault_proxy.connections > 1

    async def test_a_cut_in_the_middle_of_an_answer_is_unreachable(
        self, kube: ApiServer, open_with: Open, fault_proxy: FaultProxy
    ) -> None:
        fault_proxy.mode, fault_proxy.cut_after = "cut", 4000  # the handshake passes, a list does not
        cluster = open_with(kube.config({"token": kube.token("admin")}, server=fault_proxy.url))
        with pytest.raises(Unreachable) as caught:
            await cluster.list_objects([WIDGET, SERVICE])
        assert caught.value.retryable
        assert f"127.0.0.1:{fault_proxy.port}" in str(caught.value)
        assert kube.token("admin") not in str(caught.value)

    async def test_a_write_whose_answer_is_lost_is_not_sent_again(
        self, kube: ApiServer, open_with: Open, fault_proxy: FaultProxy, fresh_namespace: str
    ) -> None:
        cluster = open_with(kube.config({"token": kube.token("admin")}, server=fault_proxy.url))
        await cluster.read(widget_key(fresh_namespace, "w"), WIDGET)
        fault_proxy.mode, fault_proxy.cut_after = "cut", 0
        before = fault_proxy.connections
        with pytest.raises(Unreachable):
            await cluster.apply(widget(fresh_namespace, "w", size=1), WIDGET, force=True)
        assert fault_proxy.connections - before <= 1
        assert live(kube, fresh_namespace, "w") is not None  # it arrived: only the next look can tell

    async def test_a_silent_server_takes_one_timeout(
        self, kube: ApiServer, open_with: Open, fault_proxy: FaultProxy
    ) -> None:
        fault_proxy.mode = "black-hole"
        cluster = open_with(kube.config({"token": kube.token("admin")}, server=fault_proxy.url), timeout=0.4)
        with pytest.raises(Unreachable, match=r"no answer within 0\.4 s") as caught:
            await cluster.read(widget_key("default", "w"), WIDGET)
        assert fault_proxy.connections == 1
        assert caught.value.retryable

    async def test_a_slow_server_is_waited_for(
        self, kube: ApiServer, open_with: Open, fault_proxy: FaultProxy, fresh_namespace: str
    ) -> None:
        put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w", size=1))
        fault_proxy.delay = 0.2
        cluster = open_with(kube.config({"token": kube.token("admin")}, server=fault_proxy.url))
        assert await cluster.read(widget_key(fresh_namespace, "w"), WIDGET) is not None

    async def test_a_throttled_write_is_sent_again_when_the_server_says_when(
        self, kube: ApiServer, open_with: Open, stub: StubServer, fresh_namespace: str
    ) -> None:
        cluster = open_with(stubbed(stub, kube))
        stub.queue.append(Answer.failure(429, "too many requests", "TooManyRequests", Retry_After="0.3"))
        started = time.monotonic()
        await cluster.apply(widget(fresh_namespace, "w", size=1), WIDGET, force=True)
        assert time.monotonic() - started >= 0.3
        assert live(kube, fresh_namespace, "w") is not None

    async def test_a_certificate_of_another_authority_is_not_trusted(
        self, kube_clusters: list[ApiServer], open_with: Open
    ) -> None:
        one, other = kube_clusters
        config = one.config({"token": one.token("admin")})
        config["clusters"][0]["cluster"]["certificate-authority"] = str(other.ca)
        with pytest.raises(Unreachable, match="certificate is not trusted") as caught:
            await open_with(config).read(widget_key("default", "w"), WIDGET)
        assert not caught.value.retryable

    async def test_tls_to_a_server_that_speaks_none_fails_clearly(
        self, kube: ApiServer, open_with: Open, stub: StubServer
    ) -> None:
        config = kube.config({"token": kube.token("admin")}, server=stub.url.replace("http://", "https://"))
        with pytest.raises(Unreachable, match=r"no TLS connection"):
            await open_with(config, timeout=5).read(widget_key("default", "w"), WIDGET)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_pause", lambda _attempt, asked: asked or 0.01)


async def error_of(open_with: Open, stub: StubServer, answer: Answer) -> ClusterError:
    stub.answer = lambda _: answer
    with pytest.raises(ClusterError) as caught:
        await open_with(stubbed(stub)).read(widget_key("default", "w"), WIDGET)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "retryable", "words"),
    [
        (Answer.failure(500, "etcd is sad"), ServerFailed, True, "etcd is sad"),
        (Answer(503, b"<html><title>503 Service Unavailable</title></html>"), ServerFailed, True, "503 Service"),
        (Answer.failure(429, "slow down", Retry_After="99"), Throttled, True, "slow down"),
        (Answer.failure(403, "no"), Forbidden, False, "no"),
        (Answer.failure(401, "Unauthorized"), Forbidden, False, "Unauthorized"),
        (Answer.failure(400, "what?"), Rejected, False, "what\\?"),
        (Answer(302, b"", {"Location": "https://login.example.com/?token=abc"}), Unreachable, False, "redirected"),
        (Answer(200, b"<html>hello"), Unreachable, True, "does not answer like a Kubernetes API server: hello"),
        (Answer(200, b'{"resources": 7}'), Unreachable, True, "does not answer like"),
        (Answer(200, b"\xff\xfe"), Unreachable, True, "does not answer like"),
        (Answer(200, b""), Unreachable, True, "does not answer like"),
        (
            Answer.failure(500, "Bearer abcdef and eyJhbGciOiJSUzI1NiJ9.e30.sig"),
            ServerFailed,
            True,
            r"^Bearer \*\*\* and \*\*\*$",
        ),
    ],
)
async def test_answers_become_errors(
    open_with: Open, stub: StubServer, answer: Answer, kind: type[ClusterError], retryable: bool, words: str
) -> None:
    error = await error_of(open_with, stub, answer)
    assert type(error) is kind
    assert error.retryable is retryable
    assert "s3cret" not in str(error)
    with pytest.raises(kind, match=words):
        raise error
    # only what can help is tried again, and never when the server asks for a long pause
    again = retryable and error.retry_after <= transport.LONGEST_PAUSE
    expected = transport.TRIES if again and answer.status != 200 else 1
    assert len(stub.requests) == expected
    if answer.status == 429:
        assert error.retry_after == 99


async def test_a_write_is_not_sent_again_after_a_failure(open_with: Open, stub: StubServer) -> None:
    for answer in (Answer.failure(500, "no"), Answer.failure(503, "no"), Answer.failure(429, "no")):
        stub.requests.clear()
        stub.answer = lambda _, answer=answer: answer  # type: ignore[misc]
        with pytest.raises(ClusterError):
            await open_with(stubbed(stub)).apply(widget("default", "w", size=1), WIDGET, force=True)
        assert len(stub.requests) == 1
    predicted = await open_with(stubbed(stub)).predict(widget("default", "w", size=1), WIDGET)
    assert (predicted.body, predicted.retryable) == (None, True)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("https://127.0.0.1:1", "127.0.0.1:1: .*refused"),
        ("https://no-such-host.invalid:6443", "no-such-host.invalid:6443: the name is not known"),
        ("https://127.0.0.1:notaport", "cannot be used"),
    ],
)
async def test_nobody_there(open_with: Open, stub: StubServer, server: str, words: str) -> None:
    config = stubbed(stub)
    config["clusters"] = [{"name": "c", "cluster": {"server": server}}]
    cluster = open_with(config, timeout=5)
    with pytest.raises(Unreachable, match=words):
        await cluster.read(widget_key("default", "w"), WIDGET)
    with pytest.raises(Unreachable, match=words):
        await cluster.list_objects([WIDGET, SERVICE])


async def test_requests_are_spaced_by_the_limits_of_the_cluster() -> None:
    bucket, started = Bucket(rate=1, burst=5), time.monotonic()
    tasks = [asyncio.ensure_future(bucket.take()) for _ in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    at_once = [task.done() for task in tasks]
    await tasks[6]
    for task in tasks[7:]:
        task.cancel()
    assert at_once == [True] * 5 + [False] * 5
    assert time.monotonic() - started >= 1.9
