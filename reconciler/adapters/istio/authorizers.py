"""Providers that decide besides the mesh (AuthorizationPolicy CUSTOM): they are defined in the mesh's configuration,
and where one is not, or some versions find two for a workload, the mesh refuses every request."""

from __future__ import annotations

import re

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.protocols import Speech, speech
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent

_HTTP = "envoyExtAuthzHttp"
_KINDS = (_HTTP, "envoyExtAuthzGrpc")
#: the first version in which a workload may have several
SEVERAL = (1, 30)


def check(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> None:
    if access.action is not AccessAction.CUSTOM:
        return
    kind = intent.mesh.providers.get(access.provider, "")
    if not kind:
        _unknown(access, intent, gaps)
    elif kind not in _KINDS:
        gaps.error("authorizer-unknown", f"{access.provider} is a provider of the mesh, but decides nothing ({kind})")
    elif kind == _HTTP:
        _tell_unseen(access, intent, gaps)
    _check_several(access, intent, gaps)


def _unknown(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> None:
    message = f"the configuration of the mesh defines no provider {access.provider}"
    deciding = [name for name, kind in sorted(intent.mesh.providers.items()) if kind in _KINDS]
    hint = f"it defines {', '.join(deciding)}" if deciding else "define it in meshConfig.extensionProviders"
    if intent.mesh.version or intent.mesh.providers:
        gaps.error("authorizer-unknown", f"{message}, so it would refuse every request", hint=hint)
    else:
        gaps.warning("authorizer-unknown", f"{message}, as far as is known", hint=hint)


def _tell_unseen(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> None:
    facts = intent.cluster.service(access.service.name, access.service.namespace)
    unseen = [port.number for port in facts.ports if speech(port) is Speech.OPAQUE] if facts else []
    if unseen:
        numbers = ", ".join(str(number) for number in sorted(unseen))
        gaps.warning(
            "authorizer-not-asked",
            f"{access.provider} decides about HTTP only: it is not asked on ports {numbers} of {access.service.label}",
            hint="use a provider that speaks gRPC, or deny these ports",
        )


def _check_several(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> None:
    running = tuple(int(part) for part in re.findall(r"\d+", intent.mesh.version)[:2])
    if running >= SEVERAL:
        return
    others = {
        one.provider
        for one in intent.access_by_namespace[access.service.namespace]
        if one.action is AccessAction.CUSTOM
        and all(access.selector.get(key, value) == value for key, value in one.selector.items())
    } - {access.provider}
    if others:
        named = ", ".join(sorted({access.provider, *others}))
        gaps.error(
            "authorizer-conflict",
            f"{named} are to decide about {access.service.label}, and before version 1.30 a workload has one provider",
            hint="keep one provider, or upgrade the mesh",
        )
