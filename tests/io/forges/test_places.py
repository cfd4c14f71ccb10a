"""Where repositories are: the addresses that Git takes, and those of pages and interfaces."""

from __future__ import annotations

import pytest

from reconciler.io.forges import Access, App, Kind, open_forge
from reconciler.io.forges.place import place_of
from reconciler.io.git.credentials import Secret
from reconciler.ports.forge import ForgeError

PLACES = [
    ("https://github.com/octo/shop.git", "github", "https://api.github.com", "github.com/octo/shop"),
    ("git@github.com:octo/shop.git", "github", "https://api.github.com", "github.com/octo/shop"),
    ("ssh://git@ssh.github.com:443/octo/shop.git", "github", "https://api.github.com", "github.com/octo/shop"),
    ("https://token:x@GitHub.com/octo/shop", "github", "https://api.github.com", "github.com/octo/shop"),
    ("https://github.acme.example/octo/shop", "github", "https://github.acme.example/api/v3", None),
    ("https://acme.ghe.com/octo/shop", "github", "https://api.acme.ghe.com", "acme.ghe.com/octo/shop"),
    ("git@gitlab.com:a/b/c/shop.git", "gitlab", "https://gitlab.com/api/v4", "gitlab.com/a/b/c/shop"),
    ("http://gitlab.acme.example:8080/a/shop", "gitlab", "http://gitlab.acme.example:8080/api/v4", None),
    ("https://codeberg.org/octo/shop.git", "gitea", "https://codeberg.org/api/v1", "codeberg.org/octo/shop"),
    ("forgejo@forgejo.acme.example:octo/shop.git", "gitea", "https://forgejo.acme.example/api/v1", None),
    ("https://me@bitbucket.org/octo/shop.git", "bitbucket-cloud", "https://api.bitbucket.org/2.0", None),
    (
        "https://bitbucket.acme.example/scm/OPS/shop.git",
        "bitbucket-data-center",
        "https://bitbucket.acme.example/rest/api/latest",
        "bitbucket.acme.example/OPS/shop",
    ),
    (
        "https://bitbucket.acme.example/git/scm/~mona/shop.git",
        "bitbucket-data-center",
        "https://bitbucket.acme.example/git/rest/api/latest",
        "bitbucket.acme.example/git/~mona/shop",
    ),
    (
        "ssh://git@bitbucket.acme.example:7999/OPS/shop.git",
        "bitbucket-data-center",
        "https://bitbucket.acme.example/rest/api/latest",
        "bitbucket.acme.example/OPS/shop",
    ),
]


@pytest.mark.parametrize(("repository", "kind", "api", "name"), PLACES)
def test_an_address_tells_the_forge(repository: str, kind: str, api: str, name: str | None) -> None:
    place = place_of(repository)
    assert (place.kind, place.api) == (Kind(kind), api)
    assert name is None or place.name == name


def test_a_forge_at_another_address_than_git() -> None:
    place = place_of("git@git.acme.example:ops/shop.git", "gitlab", "https://acme.example/gitlab/")
    assert (place.api, place.full_name) == ("https://acme.example/gitlab/api/v4", "ops/shop")


def test_a_forge_under_a_path_is_no_part_of_the_name() -> None:
    place = place_of("https://acme.example/forge/ops/shop.git", "forgejo", "https://acme.example/forge")
    assert (place.api, place.full_name) == ("https://acme.example/forge/api/v1", "ops/shop")


@pytest.mark.parametrize(
    ("repository", "kind", "url", "words"),
    [
        ("https://user:hidden@git.acme.example/octo/shop", "", "", "which kind"),
        ("https://user:hidden@git.acme.example/octo/shop", "svn", "", "is no kind of forge"),
        ("https://user:hidden@github.com/shop", "", "", "group and name"),
        ("https://github.com/octo/shop/tree/main", "", "", "group and name"),
        ("/srv/git/shop.git", "github", "", "a path is on no forge"),
        ("file:///srv/git/shop.git", "github", "", "https://, http:// or ssh://"),
        ("https://user:hidden@github.com:port/octo/shop", "", "", "host and port"),
        ("https://github.com/octo/shop", "", "ftp://github.com", "https://HOST"),
        ("https://github.com/octo/shop", "", "https://me:hidden@github.com", "https://HOST"),
    ],
)
def test_what_is_no_address_is_refused(repository: str, kind: str, url: str, words: str) -> None:
    with pytest.raises(ForgeError, match=words) as refused:
        place_of(repository, kind, url)
    assert "hidden" not in str(refused.value)


def test_credentials_of_another_forge_are_refused() -> None:
    app = Access(app=App("1", Secret(value="key")))
    with pytest.raises(ForgeError, match="only GitHub has apps"):
        open_forge("https://gitlab.com/octo/shop", access=app)
    with pytest.raises(ForgeError, match="only GitLab has tokens of jobs"):
        open_forge("https://github.com/octo/shop", access=Access(job_token=True))
