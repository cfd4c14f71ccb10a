"""What a proxy tells of its bootstrap against what lies there: spelled in two ways, it is the same."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.io.envoy.admin import Answer
from reconciler.io.envoy.bootstraps import unread

NODE = {"id": "shop/web", "cluster": "eu"}


def asked(**more: Any) -> dict[str, Any]:
    return {"node": NODE, **more}


def answer(version: str = "a", overlaid: bool = False, **more: Any) -> Answer:
    node = {
        **NODE,
        "metadata": {"reconciler.dev": {"version": version}},
        "user_agent_name": "envoy",
        "extensions": [{}],
    }
    return Answer(bootstrap={"node": node, **more}, overlaid=overlaid)


def flags(**given: Any) -> dict[str, Any]:
    return {"layered_runtime": {"layers": [{"name": "static", "static_layer": given}]}}


@pytest.mark.parametrize(
    ("lies", "runs"),
    [
        ({}, {}),
        ({"stats_flush_interval": "0.500s"}, {"stats_flush_interval": "0.5s"}),
        ({"statsFlushInterval": "5s"}, {"stats_flush_interval": "5s"}),
        ({"enable_dispatcher_stats": False}, {}),
        ({"stats_sinks": []}, {}),
        ({"watchdogs": None}, {}),
        ({"admin": {"port": 1, "protocol": "TCP"}}, {"admin": {"port": "1"}}),
        ({"admin": {"token": "x"}}, {"admin": {"token": "[redacted]"}}),
        (flags(a=1, camelCase=False), flags(a=1.0, camelCase=False)),
    ],
)
def test_the_same(lies: dict[str, Any], runs: dict[str, Any]) -> None:
    assert unread(asked(**lies), "a", answer(**runs)) == ()


@pytest.mark.parametrize(
    ("lies", "runs", "part"),
    [
        ({"stats_flush_interval": "1s"}, {"stats_flush_interval": "5s"}, "stats_flush_interval"),
        ({"stats_sinks": [{"name": "a"}]}, {}, "stats_sinks"),
        ({}, {"stats_sinks": [{"name": "a"}]}, "stats_sinks"),
        ({"stats_sinks": [{"name": "a"}]}, {"stats_sinks": [{"name": "a"}, {"name": "b"}]}, "stats_sinks"),
        ({}, {"enable_dispatcher_stats": False}, "enable_dispatcher_stats"),
        (flags(flag=False), flags(), "layered_runtime"),
        (flags(), flags(flag=False), "layered_runtime"),
        (flags(oneTwo=1), flags(one_two=1), "layered_runtime"),
        ({"node": {**NODE, "cluster": "us"}}, {}, "node"),
    ],
)
def test_not_the_same(lies: dict[str, Any], runs: dict[str, Any], part: str) -> None:
    assert unread(asked() | lies, "a", answer(**runs)) == (part,)


def test_what_is_not_printed_is_told_apart_by_the_version() -> None:
    assert unread(asked(enable_dispatcher_stats=False), "b", answer("a")) == ("its content",)


def test_one_that_was_written_before_there_were_versions() -> None:
    assert unread(asked(), "", answer("")) == ()
    assert unread(asked(), "b", answer("")) == ()
    assert unread(asked(stats_sinks=[{"name": "a"}]), "b", answer("")) == ("stats_sinks",)


def test_of_one_with_more_on_its_command_line_the_version_alone_tells() -> None:
    assert unread(asked(), "a", answer("a", overlaid=True, overload_manager={"refresh_interval": "1s"})) == ()
    assert unread(asked(), "b", answer("a", overlaid=True)) == ("its content",)
