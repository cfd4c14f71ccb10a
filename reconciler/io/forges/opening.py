"""From the address of a repository to the forge that it is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.io.forges.access import Access
from reconciler.io.forges.bitbucket_center import BitbucketDataCenter
from reconciler.io.forges.bitbucket_cloud import BitbucketCloud
from reconciler.io.forges.gitea import Gitea
from reconciler.io.forges.github import GitHub
from reconciler.io.forges.gitlab import GitLab
from reconciler.io.forges.place import Kind, Place, place_of
from reconciler.ports.forge import Forge, ForgeError

_FORGES: Mapping[Kind, Callable[[Place, Access], Forge]] = {
    Kind.GITHUB: GitHub,
    Kind.GITLAB: GitLab,
    Kind.GITEA: Gitea,
    Kind.BITBUCKET_CLOUD: BitbucketCloud,
    Kind.BITBUCKET_DATA_CENTER: BitbucketDataCenter,
}


def open_forge(repository: str, *, kind: str = "", url: str = "", access: Access | None = None) -> Forge:
    """The forge that ``repository`` is on: ``https://…``, ``ssh://…`` or ``user@host:path``, as Git takes it. ``kind``
    (a word of ``Kind``) is needed where the host does not tell, ``url`` where the forge has another address than Git.
    Nothing is connected, and no token read, before the first request. ForgeError when they do not fit."""
    place = place_of(repository, kind, url)
    given = access or Access()
    if given.app and place.kind is not Kind.GITHUB:
        raise ForgeError(f"{place.name}: only GitHub has apps; this forge needs a token")
    if given.job_token and place.kind is not Kind.GITLAB:
        raise ForgeError(f"{place.name}: only GitLab has tokens of jobs")
    return _FORGES[place.kind](place, given)
