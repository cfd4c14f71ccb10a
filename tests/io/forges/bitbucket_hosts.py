"""Bitbucket Cloud and Bitbucket Data Center, by Atlassian's descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.io.forges.described import description
from tests.io.forges.server import Call, Host, Note, Pull, Refusal, on

CLOUD = "/repositories/{workspace}/{repo_slug}"
CENTER = "/api/latest/projects/{projectKey}/repos/{repositorySlug}"


class CloudHost(Host):
    prefix = "/2.0"
    most_words = 32_768

    def __init__(self) -> None:
        super().__init__()
        self.described = description("bitbucket-cloud")
        self.state.account = "{11111111-2222-3333-4444-555555555555}"

    def error(self, status: int, words: str) -> Any:
        return {"type": "error", "error": {"message": words, "detail": "more words"}}

    @on("GET", "/user")
    def user(self, call: Call) -> Any:
        return 200, {"type": "user", "uuid": self.state.account, "display_name": "Reconciler"}

    @on("GET", f"{CLOUD}/pullrequests")
    def pulls(self, call: Call) -> Any:
        found = [pull for pull in self.state.pulls.values() if f'= "{pull.target}"' in call.query["q"]]
        assert 'state = "OPEN"' in call.query["q"]
        return 200, self._page(call, [self._pull(pull) for pull in found if pull.state == "open"], 50)

    @on("GET", f"{CLOUD}/pullrequests/{{pull_request_id}}")
    def pull(self, call: Call) -> Any:
        if int(call.params["pull_request_id"]) not in self.state.pulls:
            raise Refusal(404, "Not found")
        return 200, self._pull(self.state.pulls[int(call.params["pull_request_id"])])

    @on("GET", f"{CLOUD}/commit/{{commit}}")
    def commit(self, call: Call) -> Any:
        known = [*self.state.branches.values()]
        for pull in self.state.pulls.values():
            foreign = pull.foreign and call.params["workspace"] != "mona"
            known += [pull.merge] if foreign else [pull.merge, pull.head]
        for each in known:
            if each and each.startswith(call.params["commit"]):
                return 200, {"type": "commit", "hash": each}
        raise Refusal(404, "Commit not found")

    @on("GET", f"{CLOUD}/commit/{{commit}}/pullrequests")
    def pulls_of(self, call: Call) -> Any:
        found = [pull for pull in self.state.pulls.values() if call.params["commit"] in (pull.merge, pull.head)]
        if not found:
            raise Refusal(404, "The repository's pull requests are not indexed")
        items = [{"type": "pullrequest", "id": pull.number, "title": pull.title} for pull in found]
        return 200, self._page(call, items, 50)

    @on("GET", f"{CLOUD}/refs/branches/{{name}}")
    def branch(self, call: Call) -> Any:
        if call.params["name"] not in self.state.branches:
            raise Refusal(404, "Branch not found")
        target = {"type": "commit", "hash": self.state.branches[call.params["name"]]}
        return 200, {"type": "branch", "name": call.params["name"], "target": target}

    @on("GET", f"{CLOUD}/pullrequests/{{pull_request_id}}/comments")
    def comments(self, call: Call) -> Any:
        notes = self.state.notes_of(int(call.params["pull_request_id"]))
        return 200, self._page(call, [self._note(note) for note in notes], 100)

    @on("POST", f"{CLOUD}/pullrequests/{{pull_request_id}}/comments")
    def comment(self, call: Call) -> Any:
        self.state.notes_of(int(call.params["pull_request_id"]))
        return 201, self._note(self.state.note(int(call.params["pull_request_id"]), call.body["content"]["raw"]))

    @on("PUT", f"{CLOUD}/pullrequests/{{pull_request_id}}/comments/{{comment_id}}")
    def change(self, call: Call) -> Any:
        note = self.state.found(int(call.params["comment_id"]))
        note.body = call.body["content"]["raw"]
        return 200, self._note(note)

    @on("POST", f"{CLOUD}/commit/{{commit}}/statuses/build")
    def status(self, call: Call) -> Any:
        if len(call.body["key"]) > 40 or not call.body["url"].startswith("http"):
            raise Refusal(400, "key: too long, or url: not a valid URL")
        self.state.statuses.append({"sha": call.params["commit"], **call.body})
        return 201, {"type": "commitstatus", **call.body}

    def _page(self, call: Call, items: list[Any], largest: int) -> Any:
        size, page = int(call.query["pagelen"]), int(call.query.get("page", 1))
        if size > largest:
            raise Refusal(400, "Invalid pagelen")
        answer = {"pagelen": size, "page": page, "size": len(items), "values": items[(page - 1) * size : page * size]}
        if page * size < len(items):
            rest = urlencode({**call.query, "page": page + 1})
            answer["next"] = f"https://api.bitbucket.example{self.prefix}{self._path()}?{rest}"
        return answer

    def _path(self) -> str:
        return self.asked[-1].split(" ", 1)[1]

    def _pull(self, pull: Pull) -> Any:
        home = {"type": "repository", "full_name": "octo/shop"}
        source: dict[str, Any] = {"branch": {"name": pull.source}, "commit": {"hash": pull.head[:12]}}
        source["repository"] = {"type": "repository", "full_name": "mona/shop"} if pull.foreign else home
        target = {"branch": {"name": pull.target}, "commit": {"hash": "0" * 12}, "repository": home}
        answer: dict[str, Any] = {"type": "pullrequest", "id": pull.number, "title": pull.title}
        answer |= {"state": {"closed": "DECLINED"}.get(pull.state, pull.state.upper()), "source": source}
        answer |= {"author": {"type": "user", "display_name": pull.author}, "destination": target}
        answer |= {"links": {"html": {"href": f"{self.url}/octo/shop/pull-requests/{pull.number}"}}}
        return answer | ({"merge_commit": {"hash": pull.merge[:12]}} if pull.merge else {})

    def _note(self, note: Note) -> Any:
        content = {"raw": note.body, "markup": "markdown", "html": ""}
        answer = {"type": "pullrequest_comment", "id": note.id, "content": content, "deleted": note.kind == "deleted"}
        return answer | {"user": {"type": "user", "uuid": note.author}}


class CenterHost(Host):
    prefix = "/rest"
    most_words = 32_768

    def __init__(self) -> None:
        super().__init__()
        self.described = description("bitbucket-data-center")

    def error(self, status: int, words: str) -> Any:
        return {"errors": [{"context": None, "message": words, "exceptionName": "com.atlassian.Example"}]}

    def extra_headers(self) -> dict[str, str]:
        return {"X-AUSERNAME": self.state.account}

    @on("GET", "/api/latest/application-properties")
    def properties(self, call: Call) -> Any:
        return 200, {"version": "9.4.0", "buildNumber": "9004000", "displayName": "Bitbucket"}

    @on("GET", f"{CENTER}/pull-requests")
    def pulls(self, call: Call) -> Any:
        found = [pull for pull in self.state.pulls.values() if f"refs/heads/{pull.target}" == call.query["at"]]
        return 200, self._page(call, [self._pull(pull) for pull in found if pull.state.upper() == call.query["state"]])

    @on("GET", f"{CENTER}/pull-requests/{{pullRequestId}}")
    def pull(self, call: Call) -> Any:
        if int(call.params["pullRequestId"]) not in self.state.pulls:
            raise Refusal(404, "com.atlassian.bitbucket.pull.NoSuchPullRequestException")
        return 200, self._pull(self.state.pulls[int(call.params["pullRequestId"])])

    @on("GET", f"{CENTER}/pull-requests/{{pullRequestId}}/activities")
    def activities(self, call: Call) -> Any:
        notes = self.state.notes_of(int(call.params["pullRequestId"]))
        told: list[Any] = [{"id": 1, "action": "OPENED"}]
        for note in notes:
            told.append({"action": "COMMENTED", "commentAction": "ADDED", "comment": self._note(note)})
        return 200, self._page(call, [*reversed(told)])

    @on("POST", f"{CENTER}/pull-requests/{{pullRequestId}}/comments")
    def comment(self, call: Call) -> Any:
        self.state.notes_of(int(call.params["pullRequestId"]))
        return 201, self._note(self.state.note(int(call.params["pullRequestId"]), call.body["text"]))

    @on("PUT", f"{CENTER}/pull-requests/{{pullRequestId}}/comments/{{commentId}}")
    def change(self, call: Call) -> Any:
        note = self.state.found(int(call.params["commentId"]))
        if call.body.get("version") != note.version:
            raise Refusal(409, "You are attempting to modify a comment based on out-of-date information.")
        note.body, note.version = call.body["text"], note.version + 1
        return 200, self._note(note)

    @on("GET", f"{CENTER}/commits/{{commitId}}/pull-requests")
    def pulls_of(self, call: Call) -> Any:
        found = [pull for pull in self.state.pulls.values() if call.params["commitId"] in (pull.merge, pull.head)]
        if not found:
            raise Refusal(404, "Commit does not exist")
        return 200, self._page(call, [self._pull(pull) for pull in found])

    @on("POST", f"{CENTER}/commits/{{commitId}}/builds")
    def status(self, call: Call) -> Any:
        self.state.statuses.append({"sha": call.params["commitId"], **call.body})
        return 204, None

    def _page(self, call: Call, items: list[Any]) -> Any:
        start, size = int(call.query["start"]), min(int(call.query["limit"]), self.page_size)
        shown = items[start : start + size]
        answer: Mapping[str, Any] = {"start": start, "limit": size, "size": len(shown), "values": shown}
        last = start + size >= len(items)
        return {**answer, "isLastPage": last, **({} if last else {"nextPageStart": start + size})}

    def _pull(self, pull: Pull) -> Any:
        home = {"slug": "shop", "id": 5, "project": {"key": "octo"}}
        source: dict[str, Any] = {
            "id": f"refs/heads/{pull.source}",
            "latestCommit": pull.head,
            "displayId": pull.source,
        }
        source["repository"] = home | {"id": 6} if pull.foreign else home
        target = {
            "id": f"refs/heads/{pull.target}",
            "latestCommit": self.state.branches[pull.target],
            "repository": home,
        }
        answer: dict[str, Any] = {
            "id": pull.number,
            "title": pull.title,
            "fromRef": source,
            "toRef": target,
            "version": 3,
        }
        answer |= {"state": {"closed": "DECLINED"}.get(pull.state, pull.state.upper())}
        answer |= {"author": {"user": {"name": pull.author}}}
        return answer | ({"properties": {"mergeCommit": {"id": pull.merge}}} if pull.merge else {})

    def _note(self, note: Note) -> Any:
        return {"id": note.id, "text": note.body, "version": note.version, "author": {"name": note.author}}
