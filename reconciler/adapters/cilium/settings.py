"""What the configuration of the agents has to say for a rule to do what was asked. A setting that is not known holds as
the chart has it."""

from __future__ import annotations

from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent

_ENCRYPTION = ("enable-wireguard", "enable-ipsec")


def _says(setting: str, intent: MeshIntent, usual: str) -> str:
    return intent.mesh.settings.get(setting, usual)


def check_requests(intent: MeshIntent, gaps: Gaps) -> None:
    if _says("enable-l7-proxy", intent, "true") == "false":
        told = "the agents run without a proxy (enable-l7-proxy), so they refuse rules about requests"
        gaps.error("mesh-setting-differs", told)


def check_denials(intent: MeshIntent, gaps: Gaps) -> None:
    if _says("enable-non-default-deny-policies", intent, "true") == "false":
        told = "the agents put into default deny what a policy denies something (enable-non-default-deny-policies)"
        gaps.error("mesh-setting-differs", told)


def check_proof(intent: MeshIntent, gaps: Gaps) -> None:
    """Where nobody can prove anything, a rule that wants proof lets nobody in."""
    if not intent.mesh.settings:
        return
    if "false" in (_says("mesh-auth-enabled", intent, "true"), _says("mesh-auth-mutual-enabled", intent, "false")):
        gaps.error(
            "mesh-setting-differs",
            "mutual authentication is off (mesh-auth-mutual-enabled), so a rule that requires it would let nobody in",
            hint="install with authentication.mutual.spire.enabled",
        )
    elif not any(_says(setting, intent, "false") == "true" for setting in _ENCRYPTION):
        told = "callers prove who they are, but what they send is not encrypted: neither WireGuard nor IPsec is on"
        gaps.warning("mesh-setting-differs", told, hint="install with encryption.enabled")
