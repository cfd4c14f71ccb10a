"""What a live object says of a write that was announced and whose outcome nobody recorded; and what then is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model.events import Actor, AuditEvent, Intent
from reconciler.model.live import LiveObject
from reconciler.model.refs import ObjectKey
from reconciler.pipeline.recover import judge
from tests.pipeline.fleet import Fleet, rows

KEY = ObjectKey("networking.istio.io", "VirtualService", "shop", "a")
PRUNED = "object.pruned"


def intent(kind: str, **details: Any) -> Intent:
    event = AuditEvent("e1", datetime(2026, 11, 21, tzinfo=UTC), "r1", kind, Actor("h:1", "ada", "test"), object=KEY)
    result = "pruned" if kind == PRUNED else "changed"
    return Intent("e1", replace(event, result=result, details=details), "7", "d1")


def live(version: str, event: str = "e0", **spec: Any) -> LiveObject:
    annotations = {"reconciler.dev/event": event}
    body = {"metadata": {"name": "a", "annotations": annotations}, "spec": spec}
    return LiveObject(KEY, version, orjson.dumps(body), annotations=annotations)


@pytest.mark.parametrize("kind", ["object.created", "object.updated", "object.adopted", "object.replaced"])
def test_an_object_with_the_mark_was_written(kind: str) -> None:
    became = judge(intent(kind), live("8", "e1"))
    assert became is not None
    assert (became.result, became.why) == ("changed", "")


@pytest.mark.parametrize("kind", ["object.created", "object.updated", "object.adopted", "object.replaced", PRUNED])
def test_an_object_without_the_mark_was_not(kind: str) -> None:
    assert judge(intent(kind), live("7")) is None


def test_an_object_that_is_gone() -> None:
    became = judge(intent(PRUNED), None)
    assert became is not None
    assert became.result == "pruned"
    assert judge(intent("object.created"), None) is None
    assert judge(intent("object.updated"), None) is None
    half = judge(intent("object.replaced"), None)
    assert half is not None
    assert "old object was deleted" in half.why


def test_fields_of_others_that_are_gone_were_removed() -> None:
    announced = intent("object.updated", removes=["/spec/exportTo", "/spec/http/1"])
    half = judge(announced, live("8", http=[{}]))
    assert half is not None
    assert "fields of others were removed" in half.why
    assert judge(announced, live("8", http=[{}], exportTo=["."])) is None
    assert judge(announced, live("7", http=[{}])) is None, "the version has not moved"
    assert judge(intent(PRUNED, removes=["/spec/config"]), live("8")) is None, "the object is there: it was not removed"


class Dies(BaseException):
    """The process, as far as a test within it can tell."""


def dies_after(monkeypatch: pytest.MonkeyPatch, method: str, count: int = 1) -> None:
    done, original = [], getattr(DirectoryCluster, method)

    async def dying(self: Any, *arguments: Any, **named: Any) -> Any:
        written = await original(self, *arguments, **named)
        done.append(written)
        if len(done) == count:
            raise Dies
        return written

    monkeypatch.setattr(DirectoryCluster, method, dying)


def test_a_commit_after_the_death_sees_no_drift_in_what_the_dead_run_wrote(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.apply()
    fleet.policy("reviews", "{to: [reviews.shop], rule: {timeout: 4s}}")
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 4s}}")
    fleet.commit("four")
    with monkeypatch.context() as patched:
        dies_after(patched, "apply", 2)
        with pytest.raises(Dies):
            fleet.apply()
    fleet.policy("reviews", "{to: [reviews.shop], rule: {timeout: 5s}}")
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 5s}}")
    fleet.commit("five")
    run = fleet.apply()
    assert run.recovered > 0
    assert rows(run)["eu/mesh"].get("drifted", 0) == 0
    assert fleet.events(type="drift.*") == []
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2}}


def test_a_prune_of_the_dead_run_is_not_taken_for_a_deletion_by_hand(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.apply()
    text = (fleet.repo / "policies/cart.yaml").read_text()
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    with monkeypatch.context() as patched:
        dies_after(patched, "delete")
        with pytest.raises(Dies):
            fleet.apply()
    assert "VirtualService cart" not in fleet.live()
    fleet.change("policies/cart.yaml", text, "cart again")
    run = fleet.apply()
    assert run.recovered == 1
    assert [e.type for e in fleet.events(type="object.*")][-2:] == ["object.pruned", "object.created"]
    assert fleet.events(type="drift.*") == []


def test_drift_that_was_found_by_a_run_that_then_dies_is_recorded_once(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is remembered of it goes into the log with it, or neither does."""
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    original = type(fleet.store).append
    for when in ("before", "after"):

        def dying(self: Any, *arguments: Any, when: str = when) -> None:
            if when == "after":
                original(self, *arguments)
            raise Dies

        with monkeypatch.context() as patched:
            patched.setattr(type(fleet.store), "append", dying)
            with pytest.raises(Dies):
                fleet.apply()
    fleet.apply()
    assert [event.type for event in fleet.events(type="drift.*")] == ["drift.detected", "drift.ended"]
