"""Decoding of what only access policies have: effects, tokens, providers; and what these do not go together with."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.load.blocks import Decoder, claims, strings
from reconciler.load.key_sets import keys_of
from reconciler.load.nodes import Map, Place, position
from reconciler.model.access import AccessAction, Jwt, JwtProvider, TokenPlace


@dataclass(frozen=True, slots=True)
class Effects:
    """What an access policy does. Without a decision about calls it has the action of none: Allow."""

    action: AccessAction
    authorizes: bool
    scopes: bool
    provider: str
    jwt: Jwt | None


def effects(spec: Map, into: Decoder) -> Effects:
    """The effects of a policy; complains where they contradict each other."""
    named = strings(spec, "effects") or ("Authorize",)
    action = AccessAction(spec["action"]) if "action" in spec else AccessAction.ALLOW
    found = Effects(
        action,
        "Authorize" in named,
        "Scope" in named,
        spec.get("provider", ""),
        jwt(spec["jwt"], into) if "jwt" in spec else None,
    )
    for code, message, at, hint in _contradictions(spec, found):
        into.complain(code, message, at, hint)
    return found


def _contradictions(spec: Map, found: Effects) -> list[tuple[str, str, Place, str]]:
    wrong = []
    if "priority" in spec and not (found.authorizes and found.action is not AccessAction.AUDIT):
        hint = "leave it out"
        wrong.append(("wrong-value", "what decides nothing has no priority", spec.keys_at["priority"], hint))
    if "action" not in spec and found.authorizes:
        wrong.append(("missing-field", "needs `action`", spec.at, "Allow, Deny, Audit or Custom"))
    if found.scopes and found.action is not AccessAction.ALLOW:
        at, hint = spec.values_at["effects"], "make the Scope a policy of its own"
        wrong.append(("wrong-value", f"what is {found.action.value} is no reach of the callers", at, hint))
    if (found.action is AccessAction.CUSTOM) != bool(found.provider):
        wrong.append(_about_provider(spec, found))
    if found.jwt is not None and not (found.action is AccessAction.ALLOW and found.authorizes):
        at, hint = spec.keys_at["jwt"], "name claims in match[].jwtClaims, or put it into the policy that allows"
        wrong.append(("wrong-value", "tokens are asked for in a policy that allows calls", at, hint))
    return wrong


def _about_provider(spec: Map, found: Effects) -> tuple[str, str, Place, str]:
    if found.provider:
        hint = "remove it, or make the action Custom"
        return ("wrong-value", "a provider decides in a Custom only", spec.keys_at["provider"], hint)
    return ("missing-field", "needs `provider`: who decides", spec.at, "")


def jwt(node: Map, into: Decoder) -> Jwt:
    providers: list[JwtProvider] = []
    for item, at in node["providers"].entries():
        one = _provider(item, at, into)
        if any(one.issuer == other.issuer for other in providers):
            into.complain(
                "duplicate-document", f"issuer `{one.issuer}` is in this list already", at, "keep one of them"
            )
        providers.append(one)
    found = Jwt(tuple(providers), bool(node.get("require", True)), claims(node, "claims"))
    if found.claims and not found.require:
        hint = "leave require out"
        into.complain(
            "wrong-value", "claims are those of a token, which then is required", node.keys_at["require"], hint
        )
    return found


def _provider(node: Map, at: Place, into: Decoder) -> JwtProvider:
    return JwtProvider(
        issuer=node["issuer"],
        jwks_uri=node.get("jwksUri", ""),
        jwks=keys_of(node, into),
        audiences=tuple(sorted(set(strings(node, "audiences")))),
        places=_places(node["from"]) if "from" in node else (),
        forward=bool(node.get("forward", True)),
        position=position(at),
    )


def _places(node: Map) -> tuple[TokenPlace, ...]:
    headers = [TokenPlace("header", item["name"], item.get("prefix", "")) for item in node.get("headers", ())]
    query = [TokenPlace("query", name) for name in strings(node, "query")]
    return (*headers, *query, *(TokenPlace("cookie", name) for name in strings(node, "cookies")))
