"""A small App Mesh over HTTP on loopback, after the published model of the API (service-2.json of botocore): every
request is checked by it and every answer has its shape. moto serves some operations only, and other rules than AWS.

What AWS refuses is taken from the texts of the model: a name that is taken (ConflictException), a mesh that has
resources, a router with routes, a gateway with routes, a node or a router that a virtual service leads to
(ResourceInUseException), more than 50 tags (TooManyTagsException).
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator

ACCOUNT = "123456789012"
REGION = "eu-west-1"
_PAGE = 3  # small, so that every list of a test has several pages
_PARTS = {
    "virtualNode": "virtualNodeName", "virtualRouter": "virtualRouterName", "virtualService": "virtualServiceName",
    "virtualGateway": "virtualGatewayName", "route": "routeName", "gatewayRoute": "gatewayRouteName",
}  # fmt: skip
Place = tuple[str, ...]


class Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class AppMesh:
    """``resources`` by their place: (mesh,), (mesh, "virtualRouter", name), and of routes two more. ``denied``: starts
    of operations that are refused; ``throttled``: how many of the next requests are; ``calls``: operations in order."""

    resources: dict[Place, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    denied: tuple[str, ...] = ()
    throttled: int = 0
    calls: list[str] = field(default_factory=list)
    address: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.model = botocore.session.Session().get_service_model("appmesh")
        self._rules = [(one, _pattern(one)) for one in map(self.model.operation_model, self.model.operation_names)]

    @property
    def writes(self) -> list[str]:
        return [name for name in self.calls if not name.startswith(("List", "Describe"))]

    def spec(self, *place: str) -> Any:
        return self.resources[place]["spec"]

    def tags_of(self, *place: str) -> dict[str, str]:
        return self.tags[_arn(place)]

    def answer(self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any]) -> Any:
        for operation, pattern in self._rules:
            found = pattern.fullmatch(path)
            if operation.http["method"] == method and found:
                given = {name: unquote(value) for name, value in found.groupdict().items()}
                params = {**given, **_queried(operation, query), **body}
                return self._done(operation, params)
        raise Refused("NotFoundException", f"no operation for {method} {path}")

    def _done(self, operation: OperationModel, params: dict[str, Any]) -> Any:
        self.calls.append(operation.name)
        if self.throttled:
            self.throttled -= 1
            raise Refused("TooManyRequestsException", "Rate exceeded")
        if operation.name.startswith(self.denied or ("-",)):
            raise Refused("ForbiddenException", f"user is not authorized to perform appmesh:{operation.name}")
        report = ParamValidator().validate(params, operation.input_shape)
        if report.has_errors():
            raise Refused("BadRequestException", report.generate_report())
        result = self._handled(operation.name, params)
        report = ParamValidator().validate(result, operation.output_shape)
        assert not report.has_errors(), report.generate_report()
        shape = operation.output_shape
        return result.get(shape.serialization.get("payload"), result)

    def _handled(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        if name.endswith(("Resource", "ForResource")):
            return self._tagging(name, params)
        action = next(one for one in ("Create", "Describe", "Update", "Delete", "List") if name.startswith(one))
        if action == "List":
            return self._page(name, params)
        member = name.removeprefix(action)
        member = member[0].lower() + member[1:]
        place = _place(member, params)
        if member != "mesh" and params.get("meshOwner", ACCOUNT) != ACCOUNT:
            raise Refused("ForbiddenException", "the mesh is of another account")
        for end in range(1, len(place), 2):
            if place[:end] not in self.resources:
                raise Refused("NotFoundException", f"{place[:end]} does not exist")
        if action == "Create":
            return {member: self._created(place, member, params)}
        if place not in self.resources:
            raise Refused("NotFoundException", f"{place} does not exist")
        if action == "Update":
            self._updated(place, params)
        if action == "Delete":
            self._check_unused(place)
            self.tags.pop(_arn(place))
            return {member: self.resources.pop(place) | {"status": {"status": "DELETED"}}}
        return {member: self.resources[place]}

    def _created(self, place: Place, member: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if place in self.resources:
            raise Refused("ConflictException", f"{place} exists already")
        names = {f"{kind}Name": name for kind, name in zip(("mesh", *place[1::2]), place[::2], strict=True)}
        spec = params.get("spec", {})
        meta = {
            "arn": _arn(place), "uid": str(uuid.uuid4()), "version": 1, "meshOwner": ACCOUNT, "resourceOwner": ACCOUNT,
            "createdAt": time.time(), "lastUpdatedAt": time.time(),
        }  # fmt: skip
        self.resources[place] = {
            **names,
            "spec": _filled(member, spec),
            "metadata": meta,
            "status": {"status": "ACTIVE"},
        }
        self.tags[_arn(place)] = {one["key"]: one["value"] for one in params.get("tags", ())}
        return self.resources[place]

    def _updated(self, place: Place, params: Mapping[str, Any]) -> None:
        found = self.resources[place]
        meta = {**found["metadata"], "version": found["metadata"]["version"] + 1, "lastUpdatedAt": time.time()}
        self.resources[place] = {**found, "spec": params.get("spec", {}), "metadata": meta}

    def _check_unused(self, place: Place) -> None:
        inner = [one for one in self.resources if one[: len(place)] == place and one != place]
        leading = [
            one
            for one, found in self.resources.items()
            if len(place) == 3 and one[:2] == (place[0], "virtualService")
            and found["spec"].get("provider", {}).get(place[1]) == {f"{place[1]}Name": place[2]}
        ]  # fmt: skip
        if inner or leading:
            raise Refused("ResourceInUseException", f"{place[-1]} is in use by {[one[-1] for one in inner + leading]}")

    def _page(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        several = "meshes" if name == "ListMeshes" else name[4].lower() + name[5:]
        member = "mesh" if name == "ListMeshes" else several[:-1]
        within = _place(member, {**params, _PARTS.get(member, "meshName"): ""})[:-1]
        for end in range(1, len(within), 2):
            if within[:end] not in self.resources:
                raise Refused("NotFoundException", f"{within[:end]} does not exist")
        found = [one for place, one in self.resources.items() if place[:-1] == within]
        start = int(params.get("nextToken", 0))
        rest = {"nextToken": str(start + _PAGE)} if len(found) > start + _PAGE else {}
        return {several: [_listed(one) for one in found[start : start + _PAGE]], **rest}

    def _tagging(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        arn = params["resourceArn"]
        if arn not in self.tags:
            raise Refused("NotFoundException", f"{arn} does not exist")
        if name == "ListTagsForResource":
            return {"tags": [{"key": key, "value": value} for key, value in self.tags[arn].items()]}
        if name == "UntagResource":
            for key in params["tagKeys"]:
                self.tags[arn].pop(key, None)
            return {}
        wanted = {**self.tags[arn], **{one["key"]: one["value"] for one in params["tags"]}}
        if len(wanted) > 50:
            raise Refused("TooManyTagsException", "more than 50 tags")
        self.tags[arn] = wanted
        return {}


def _pattern(operation: OperationModel) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.http["requestUri"]))


def _queried(operation: OperationModel, query: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, shape in operation.input_shape.members.items():
        if shape.serialization.get("location") == "querystring" and shape.serialization["name"] in query:
            value = query[shape.serialization["name"]][0]
            found[name] = int(value) if shape.type_name == "integer" else value
    return found


def _place(member: str, params: Mapping[str, Any]) -> Place:
    mesh = (params["meshName"],)
    if member == "mesh":
        return mesh
    above = {"route": "virtualRouter", "gatewayRoute": "virtualGateway"}.get(member)
    within = (above, params[_PARTS[above]]) if above else ()
    return (*mesh, *within, member, params[_PARTS[member]])


def _arn(place: Place) -> str:
    return f"arn:aws:appmesh:{REGION}:{ACCOUNT}:mesh/{'/'.join(place)}"


def _listed(found: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: value for name, value in found.items() if name.endswith("Name")}
    return {**names, **{name: value for name, value in found["metadata"].items() if name != "uid"}}


def _filled(member: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS answers where nothing was said: a mesh keeps calls in (API reference, EgressFilter)."""
    if member == "mesh":
        return {"egressFilter": {"type": "DROP_ALL"}, **spec}
    return {"backends": [], "logging": {}, **spec} if member == "virtualNode" else dict(spec)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Any = self.server
        mesh: AppMesh = server.mesh
        url = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        with mesh.lock:
            try:
                self._send(200, mesh.answer(self.command, url.path, parse_qs(url.query), body), "")
            except Refused as problem:
                shape = mesh.model.shape_for(problem.code)
                self._send(shape.metadata["error"]["httpStatusCode"], {"message": str(problem)}, problem.code)

    do_PUT = do_DELETE = do_POST = do_GET

    def _send(self, status: int, content: Any, code: str) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        """Tests are quiet."""


@contextmanager
def running() -> Iterator[AppMesh]:
    mesh = AppMesh()
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.mesh, server.daemon_threads = mesh, True
    mesh.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield mesh
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
