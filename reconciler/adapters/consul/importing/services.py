"""Which service an entry is about: one that is known, since what is not said of it is taken from its facts."""

from __future__ import annotations

from reconciler.adapters.consul.names import behind, is_member
from reconciler.adapters.importing import Body, Scene, Unsayable, key_of
from reconciler.model.facts import ServiceFacts
from reconciler.model.refs import ServiceRef


def known(name: str, namespace: str, scene: Scene) -> ServiceFacts | None:
    """That of a namespace, else the only one of its name."""
    found = [one for one in scene.cluster.services if one.ref.name == name]
    near = [one for one in found if one.ref.namespace == namespace] or found
    return near[0] if len(near) == 1 else None


def service(name: str, body: Body, scene: Scene) -> ServiceFacts:
    """The service that an object is about, which lies beside it."""
    own = key_of(body).namespace
    found = known(name, own, scene)
    if found is None:
        raise Unsayable(f"no one service {name} is known")
    if found.ref.namespace != own and not scene.rename:
        raise Unsayable(f"it would come back in {found.ref.namespace}, which --rename allows")
    return found


def target(name: str, namespace: str, scene: Scene) -> str:
    """A service as documents name it; ``namespace``: of one that is not there yet."""
    found = known(name, namespace, scene)
    return scene.short(found.ref if found else ServiceRef(name, namespace))


def caller(name: str, namespace: str, scene: Scene) -> str:
    """A caller as documents name it: by the service where nobody else has the accounts of that, else by the name in its
    certificate; one that is not there yet by the account of its name."""
    found = known(name, namespace, scene)
    accounts = {(one.namespace, one.service_account) for one in behind(found, scene.cluster)} if found else set()
    if found is not None and accounts and all(_sharing(account, scene) == {name} for account in accounts):
        return scene.short(found.ref)
    if found is None and not _sharing((namespace, name), scene):
        return f"sa/{name}.{namespace}"
    domain, datacenter = scene.mesh.trust_domain, scene.mesh.settings.get("datacenter", "")
    if not domain or not datacenter:
        raise Unsayable(f"callers of service {name} share their service account with others, or have none")
    return f"spiffe://{domain}/ns/default/dc/{datacenter}/svc/{name}"


def _sharing(account: tuple[str, str], scene: Scene) -> set[str]:
    """The services of the mesh with an instance that runs under an account."""
    near = (one for one in scene.cluster.services if one.ref.namespace == account[0] and one.selector)
    under = (one for one in near if any(pod.service_account == account[1] for pod in behind(one, scene.cluster)))
    return {one.ref.name for one in under if is_member(one, scene.cluster, scene.mesh)}
