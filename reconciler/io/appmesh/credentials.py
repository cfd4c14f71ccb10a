"""Who asks: by the library's own chain (environment, profiles, web identity, roles of machines), or by a file of
credentials that the document names; and in a role, where it names one. Nothing of it is ever told."""

from __future__ import annotations

from configparser import ConfigParser, Error
from typing import Any

from reconciler.io.appmesh.errors import from_library
from reconciler.io.secrets import unusable

_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_AS = "mesh-reconciler"


def session_of(region: str, text: str, role: str) -> Any:
    """A boto3 session; ``text``: credentials in the form of ~/.aws/credentials, "" for the chain. Raises what cannot be
    read as a ClusterError that is not to be tried again."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError as problem:
        raise unusable(
            "boto3 is not installed, and AWS is asked by it: pip install 'mesh-reconciler[aws]'"
        ) from problem
    given = _given(text) if text else {}
    try:
        session = boto3.Session(region_name=region, **given)
        return _in_role(session, role, region) if role else session
    except BotoCoreError as problem:
        raise from_library(problem, region) from None


def _given(text: str) -> dict[str, str]:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except Error:
        told = "the credentials in `secretRef` are not of the form of ~/.aws/credentials"
        raise unusable(told) from None  # its words quote what is written there
    name = "default" if "default" in parser else next(iter(parser.sections()), "")
    found = {key: parser[name].get(key, "") for key in _KEYS} if name else {}
    if not all(found.get(key) for key in _KEYS[:2]):
        raise unusable(f"the credentials in `secretRef` have no {_KEYS[0]} and {_KEYS[1]}")
    return {key: value for key, value in found.items() if value}


def _in_role(session: Any, role: str, region: str) -> Any:
    """The same in a role, whose credentials are renewed before they expire."""
    import boto3
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    own = session._session  # boto3 has no way of its own to assume a role outside of profiles
    if own.get_credentials() is None:
        raise unusable("no access to AWS: there are no credentials to take the role with")
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=own.create_client,
        source_credentials=own.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": _AS},
    )
    inner = type(own)()
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return boto3.Session(botocore_session=inner, region_name=region)
