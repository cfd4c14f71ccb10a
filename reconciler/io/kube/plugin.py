"""Runs a kubeconfig's credential plugin (``users[].user.exec``).

Not the client library's own runner: that one swallows the plugin's words, has no time limit, and can hang on a
talkative plugin.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from reconciler.io.kube.errors import without_secrets
from reconciler.ports import Forbidden

TIMEOUT = 60.0


async def run(config: Mapping[str, Any], folder: str, cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``status`` of the ExecCredential that the plugin prints.

    ``config`` is the ``exec`` section, ``folder`` that of the kubeconfig (a relative command starts there),
    ``cluster`` what a plugin with ``provideClusterInfo`` is told. Forbidden, with the plugin's words, when it fails.
    """
    command = str(config.get("command") or "")
    if not command:
        raise Forbidden("the kubeconfig names a credential plugin without a command")
    if "/" in command and not command.startswith("/"):
        command = str(PurePath(folder, command))
    output = await _output([command, *map(str, config.get("args") or ())], _environment(config, cluster))
    return _status(command, str(config.get("apiVersion") or ""), output)


def _environment(config: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if config.get("provideClusterInfo"):
        spec["cluster"] = cluster
    info = {"apiVersion": config.get("apiVersion"), "kind": "ExecCredential", "spec": spec}
    extra = {str(item["name"]): str(item["value"]) for item in config.get("env") or ()}
    return {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(info)}


async def _output(argv: list[str], environment: Mapping[str, str]) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise Forbidden(f"the credential plugin {argv[0]} cannot be run: {error.strerror}") from error
    try:
        out, err = await asyncio.wait_for(process.communicate(), TIMEOUT)
    except TimeoutError as error:
        raise Forbidden(f"the credential plugin {argv[0]} gave no answer within {TIMEOUT:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = without_secrets(" ".join(err.decode(errors="replace").split()))[-300:]
        raise Forbidden(f"the credential plugin {argv[0]} failed ({process.returncode}): {words}")
    return out


def _status(command: str, version: str, output: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(output)
        said, status = str(answer["apiVersion"]), answer["status"]
    except (ValueError, KeyError, TypeError) as error:
        raise Forbidden(f"the credential plugin {command} printed no ExecCredential") from error
    if said != version:
        raise Forbidden(f"the credential plugin {command} speaks {said}, the kubeconfig asks for {version}")
    if not isinstance(status, dict) or not (status.get("token") or status.get("clientCertificateData")):
        raise Forbidden(f"the credential plugin {command} gave neither a token nor a certificate")
    return status
