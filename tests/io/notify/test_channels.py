"""Channels against real servers: chat and generic webhooks over HTTP, mail over SMTP, CloudEvents; and their file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP

from reconciler.io.notify import read_channels
from reconciler.model.events import Actor, AuditEvent, StoredEvent
from reconciler.model.notices import Notice, Weight
from reconciler.ports import OutsideError
from reconciler.ports.channels import ChannelError
from reconciler.report.events import event_to_json

NOTICE = Notice("Mesh: 1 drifted in eu", "- drifted  eu/mesh  VirtualService shop/reviews", Weight.WARNING)


def stored(seq: int) -> StoredEvent:
    event = AuditEvent(f"id-{seq}", datetime(2026, 1, 1, tzinfo=UTC), "run", "drift.detected", Actor("i", "u", "t"))
    return StoredEvent(seq, "p", "h", json.dumps(event_to_json(event)))


EVENTS = (stored(1), stored(2), stored(3))


@dataclass
class Receiver:
    """A web server that keeps what it is sent and answers with ``statuses`` in turn, then 202."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), json.loads(await request.read())))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 202)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@dataclass
class Mailbox:
    port: int = 0
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    made = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(made), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


def channels(tmp_path: Path, text: str) -> Any:
    file = tmp_path / "channels.yaml"
    file.write_text(text)
    return read_channels(file)


async def test_a_generic_webhook(receiver: Receiver, tmp_path: Path) -> None:
    known = channels(tmp_path, f'channels: {{hook: {{url: "json://{receiver.url}/secret-path"}}}}')
    await known["hook"].send(NOTICE, EVENTS)
    ((_, body),) = receiver.got
    assert (body["title"], body["type"]) == (NOTICE.title, "warning")
    assert "VirtualService shop/reviews" in body["message"]


async def test_a_refused_message_is_an_error_without_the_address(receiver: Receiver, tmp_path: Path) -> None:
    receiver.statuses = [403]
    known = channels(tmp_path, f'channels: {{hook: {{url: "json://{receiver.url}/secret-path"}}}}')
    with pytest.raises(ChannelError) as caught:
        await known["hook"].send(NOTICE, EVENTS)
    assert "secret-path" not in str(caught.value)
    assert "secret-path" not in repr(known["hook"])


async def test_mail_by_an_address_in_a_file_of_its_own(mailbox: Mailbox, tmp_path: Path) -> None:
    (tmp_path / "mail").write_text(f"mailto://127.0.0.1:{mailbox.port}/?from=mesh@example.org&to=oncall@example.org\n")
    known = channels(tmp_path, f"channels: {{mail: {{urlFile: {tmp_path / 'mail'}}}}}")
    await known["mail"].send(NOTICE, EVENTS)
    (mail,) = mailbox.mails
    assert mail["Subject"] == NOTICE.title
    assert "oncall@example.org" in mail["To"]
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    assert any(b"VirtualService shop/reviews" in part for part in parts if isinstance(part, bytes))


async def test_events_go_one_by_one_with_a_token_that_may_change(receiver: Receiver, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    text = f'channels: {{bus: {{cloudevents: "http://{receiver.url}/", tokenFile: {token}, source: fleet}}}}'
    known = channels(tmp_path, text)
    await known["bus"].send(NOTICE, EVENTS[:2])
    token.write_text("second\n")
    await known["bus"].send(NOTICE, EVENTS[2:])
    await known.close()
    assert [headers["Authorization"] for headers, _ in receiver.got] == [
        "Bearer first",
        "Bearer first",
        "Bearer second",
    ]
    assert {headers["Content-Type"] for headers, _ in receiver.got} == {"application/cloudevents+json; charset=utf-8"}
    assert [(body["id"], body["type"], body["source"]) for _, body in receiver.got] == [
        (f"id-{number}", "dev.reconciler.drift.detected", "fleet") for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("status", [500, 302, 401])
async def test_an_event_that_is_not_taken_ends_the_row(receiver: Receiver, tmp_path: Path, status: int) -> None:
    receiver.statuses = [204, status]
    known = channels(tmp_path, f'channels: {{bus: {{cloudevents: "http://{receiver.url}/secret"}}}}')
    with pytest.raises(ChannelError) as caught:
        await known["bus"].send(NOTICE, EVENTS)
    await known.close()
    assert caught.value.taken == 1
    assert str(status) in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(receiver.got) == 2


async def test_nobody_listens(tmp_path: Path) -> None:
    known = channels(
        tmp_path, 'channels: {bus: {cloudevents: "http://127.0.0.1:1/"}, hook: {url: "json://127.0.0.1:1/"}}'
    )
    for name in ("bus", "hook"):
        with pytest.raises(ChannelError):
            await known[name].send(NOTICE, EVENTS)
    await known.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channels: [", "not YAML"),
        ("[]", "`channels:`"),
        ("channels: {}", "`channels:`"),
        ("channels: {a: {url: x}}\nother: 1", "`channels:`"),
        ("channels: {a: {urls: secret}, b: 3, c: {cloudevents: 'ftp://x'}}", "`a` is to have `url`"),
        ("channels: {a: {urls: secret}, b: 3, c: {cloudevents: 'ftp://x'}}", "`b` is to be a map"),
        ("channels: {a: {urls: secret}, b: 3, c: {cloudevents: 'ftp://x'}}", "`c` `cloudevents`"),
        ("channels: {a: {cloudevents: 'http://x', url: secret}}", "`a` knows"),
    ],
)
def test_mistakes_of_the_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(OutsideError) as caught:
        channels(tmp_path, text)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_an_address_that_nobody_understands(tmp_path: Path) -> None:
    known = channels(tmp_path, "channels: {a: {url: 'gibberish://secret'}}")
    with pytest.raises(ChannelError, match="none that Apprise understands"):
        await known["a"].send(NOTICE, EVENTS)
