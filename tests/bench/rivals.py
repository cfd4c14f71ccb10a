"""The same objects written by other tools: kubectl, Ansible, a raw loop of requests."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.processes import Ran, inside, run
from tests.kube.control_plane import ApiServer

PLAYBOOK = """\
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - kubernetes.core.k8s:
        kubeconfig: {kubeconfig}
        state: present
        src: {file}
"""


@dataclass(frozen=True)
class Rivals:
    """``folder`` holds one file for each object."""

    server: ApiServer
    folder: Path

    def write(self, bodies: Sequence[dict[str, Any]]) -> None:
        self.folder.mkdir(parents=True)
        for body in bodies:
            (self.folder / f"{body['metadata']['name']}.json").write_text(json.dumps(body))

    def kubectl(self, *arguments: str, codes: Sequence[int] = (0,)) -> Ran:
        """``--server-side`` and the folder are added."""
        argv = ["kubectl", f"--kubeconfig={self.server.kubeconfig}", *arguments, "--server-side", "-f", self.folder]
        return run([str(part) for part in argv], codes)

    def raw(self) -> float:
        """Seconds for the requests alone, without the start of the process."""
        (self.server.folder / "port").write_text(str(self.server.port))
        ran = run(inside("send", str(self.server.folder), str(self.folder)))
        return float(json.loads(ran.out.splitlines()[-1])["seconds"])

    def ansible(self, some: int) -> Ran:
        """The first ``some`` objects by kubernetes.core.k8s, in one task: a loop over files takes ten times as long."""
        chosen = self.folder.with_name("some.yaml")
        chosen.write_text("\n---\n".join(path.read_text() for path in sorted(self.folder.glob("*.json"))[:some]))
        playbook = self.folder.with_name("playbook.yaml")
        playbook.write_text(PLAYBOOK.format(kubeconfig=self.server.kubeconfig, file=chosen))
        return run([str(ansible()), "-i", "localhost,", str(playbook)], env={"ANSIBLE_LOCALHOST_WARNING": "false",
                   "ANSIBLE_PYTHON_INTERPRETER": str(ansible().with_name("python"))})  # fmt: skip


def ansible() -> Path:
    """``ansible-playbook`` of an environment that also has the Python package kubernetes."""
    return Path(os.environ.get("BENCH_ANSIBLE") or shutil.which("ansible-playbook") or "ansible-playbook")


def missing() -> dict[str, str]:
    """Tool to why it cannot be measured."""
    found = {}
    if not shutil.which("kubectl"):
        found["kubectl"] = "not installed: apt-get install kubernetes-client"
    if not ansible().is_file():
        found["ansible"] = "not installed: pip install ansible kubernetes, and BENCH_ANSIBLE=.../ansible-playbook"
    return found
