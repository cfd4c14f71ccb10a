"""A real mutating admission webhook: an HTTPS server with a certificate of its own, registered at an API server."""

from __future__ import annotations

import base64
import copy
import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.kube.control_plane import ApiServer
from tests.self_signed import self_signed

#: changes the object in place; what it returns is ignored
Mutation = Callable[[dict[str, Any]], object]
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PROBE = "webhook-probe"


class MutatingWebhook:
    """In force when the constructor returns: for ``rules`` (of a webhook configuration) in one namespace, dry runs
    included. ``calls`` counts the reviews."""

    def __init__(self, server: ApiServer, namespace: str, rules: list[Mapping[str, Any]], mutate: Mutation) -> None:
        self.calls = 0
        self._api, self._namespace, self._mutate = server, namespace, mutate
        self._certificate, context = self_signed("test webhook")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self._name = f"mutate-{namespace}-{self._http.server_port}"
        self._register(rules)

    def close(self) -> None:
        self._api.request("DELETE", f"{CONFIGURATIONS}/{self._name}")
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                data = json.dumps(hook._review(review)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler

    def _review(self, review: dict[str, Any]) -> dict[str, Any]:
        request = review["request"]
        before = request["object"] or {}
        response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
        if before.get("metadata", {}).get("name") == PROBE:
            response |= {"allowed": False, "status": {"message": "the webhook is in force"}}
        elif before:
            self.calls += 1
            after = copy.deepcopy(before)
            self._mutate(after)
            patch = [
                {"op": "add", "path": f"/{key}", "value": after[key]} for key in after if before.get(key) != after[key]
            ]
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
        return {"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response}

    def _register(self, rules: list[Mapping[str, Any]]) -> None:
        probe_rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}
        hook = {
            "name": "mutate.test.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 10,
            "clientConfig": {
                "url": f"https://127.0.0.1:{self._http.server_port}/",
                "caBundle": base64.b64encode(self._certificate).decode(),
            },
            "namespaceSelector": {"matchLabels": {"test": self._namespace}},
            "rules": [*rules, probe_rule],
        }
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": self._name},
            "webhooks": [hook],
        }
        status, answer = self._api.request("POST", CONFIGURATIONS, body)
        assert status == 201, answer
        self._await_force()

    def _await_force(self) -> None:
        """The API server learns of a configuration a little later: wait until it asks us."""
        path = f"/api/v1/namespaces/{self._namespace}/configmaps?dryRun=All"
        probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": PROBE}}
        end = time.monotonic() + 120
        while "in force" not in str(answer := self._api.request("POST", path, probe)[1]):
            assert time.monotonic() < end, f"the webhook is never asked: {answer}"
            time.sleep(0.1)
