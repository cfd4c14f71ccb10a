"""Which workloads of Kubernetes have a proxy of the mesh: the arguments of the injector say where pods get one without
asking, and the annotation ``consul.hashicorp.com/connect-inject`` of a pod says more exactly.

Source: charts/consul/templates/connect-inject-deployment.yaml and control-plane/connect-inject/webhook of consul-k8s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, containers, name, namespace, template, texts
from reconciler.model.facts import OUTSIDE

_INJECT = "consul.hashicorp.com/connect-inject"
_META = "consul.hashicorp.com/service-meta-"
#: no pod there ever gets one (webhook/mesh_webhook.go, ``kubeSystemNamespaces``)
_NEVER = frozenset({"kube-system", "kube-public", "local-path-storage"})
_TRUE = frozenset({"true", "1", "t", "y", "yes"})


def enrolled_namespaces(
    injectors: Sequence[Object], namespaces: Iterable[Object], workloads: Iterable[Object], place: str
) -> tuple[str, ...]:
    """Those where pods get a proxy, by default or because some ask for it."""
    arguments = _arguments(injectors)
    allowed, denied = _values(arguments, "-allow-k8s-namespace"), _values(arguments, "-deny-k8s-namespace")
    known = {name(item) for item in namespaces} - _NEVER - denied - {place}
    open_to = {one for one in known if "*" in allowed or one in allowed}
    asking = {namespace(item) for item in workloads if _asks(item) is True}
    return tuple(sorted(open_to if _by_default(arguments) else open_to & asking))


def exceptions(injectors: Sequence[Object], workloads: Iterable[Object]) -> Mapping[str, str]:
    """Workloads that are not as others of their namespace: OUTSIDE."""
    default = _by_default(_arguments(injectors))
    out = [item for item in workloads if _asks(item) is False or (_asks(item) is None and not default)]
    return {f"{namespace(item)}/{item.get('kind')}/{name(item)}": OUTSIDE for item in out}


def marks(workloads: Iterable[Object]) -> dict[str, str]:
    """What the annotations of pods say of the ``Meta`` that they are registered with, by "meta.namespace/kind/name"."""
    found = {}
    for item in workloads:
        given = section(section(template(item), "metadata"), "annotations")
        said = {str(key).removeprefix(_META): str(value) for key, value in given.items() if str(key).startswith(_META)}
        if said:
            place = meta_place(namespace(item), str(item.get("kind")), name(item))
            found[place] = ",".join(f"{key}={value}" for key, value in sorted(said.items()))
    return found


def meta_place(namespace: str, kind: str, name: str) -> str:
    """Where the settings of a mesh have the ``Meta`` of a workload."""
    return f"meta.{namespace}/{kind}/{name}"


def refuses_by_default(injectors: Iterable[Object]) -> bool:
    """Whether the chart manages access control: its servers then refuse what nothing speaks of
    (charts/consul/templates/server-config-configmap.yaml)."""
    return bool(_values(_arguments(injectors), "-acl-auth-method"))


def _asks(workload: Object) -> bool | None:
    given = section(section(template(workload), "metadata"), "annotations").get(_INJECT)
    return None if given is None else str(given).lower() in _TRUE


def _arguments(injectors: Iterable[Object]) -> list[str]:
    """The command is one line of shell, or a list."""
    found: list[str] = []
    for item in injectors:
        for container in containers(template(item)):
            for text in (*texts(container.get("command")), *texts(container.get("args"))):
                found += [word.strip('"\\') for word in text.split()]
    return found


def _values(arguments: Iterable[str], flag: str) -> set[str]:
    heads = (f"{flag}=", f"-{flag}=")
    return {one.partition("=")[2].strip('"') for one in arguments if one.startswith(heads)}


def _by_default(arguments: Iterable[str]) -> bool:
    return "true" in _values(arguments, "-default-inject")
