"""Gitea and Forgejo, by Forgejo's description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.io.forges.described import description
from tests.io.forges.server import TOKEN, Call, Entry, Host, Note, Paged, Pull, Refusal, on

REPO = "/repos/{owner}/{repo}"


class GiteaHost(Host):
    prefix = "/api/v1"
    page_size = 50
    most_words = 1_000_000

    def __init__(self) -> None:
        super().__init__()
        self.described = description("forgejo")

    def allowed(self, headers: Mapping[str, str]) -> bool:
        return headers.get("Authorization") == f"token {TOKEN}"

    def error(self, status: int, words: str) -> Any:
        return {"message": words, "url": "https://forgejo.example/api/swagger"}

    @on("GET", "/user")
    def user(self, call: Call) -> Any:
        return 200, {"id": 1, "login": self.state.account, "email": "bot@example"}

    @on("GET", f"{REPO}/pulls")
    def pulls(self, call: Call) -> Any:
        found = [pull for pull in self.state.pulls.values() if pull.state == call.query["state"]]
        return 200, Paged([self._pull(pull) for pull in found])

    @on("GET", f"{REPO}/pulls/{{index}}")
    def pull(self, call: Call) -> Any:
        if int(call.params["index"]) not in self.state.pulls:
            raise Refusal(404, "The target couldn't be found.")
        return 200, self._pull(self.state.pulls[int(call.params["index"])])

    @on("GET", f"{REPO}/commits/{{sha}}/pull")
    def pull_of(self, call: Call) -> Any:
        for pull in self.state.pulls.values():
            if pull.merge == call.params["sha"]:
                return 200, self._pull(pull)
        raise Refusal(404, "pull request does not exist")

    @on("GET", f"{REPO}/issues/{{index}}/comments")
    def comments(self, call: Call) -> Any:
        return 200, [self._note(note) for note in self.state.notes_of(int(call.params["index"]))]

    @on("POST", f"{REPO}/issues/{{index}}/comments")
    def comment(self, call: Call) -> Any:
        self.state.notes_of(int(call.params["index"]))
        return 201, self._note(self.state.note(int(call.params["index"]), call.body["body"]))

    @on("PATCH", f"{REPO}/issues/comments/{{id}}")
    def change(self, call: Call) -> Any:
        note = self.state.found(int(call.params["id"]))
        note.body = call.body["body"]
        return 200, self._note(note)

    @on("POST", f"{REPO}/statuses/{{sha}}")
    def status(self, call: Call) -> Any:
        self.state.statuses.append({"sha": call.params["sha"], **call.body})
        return 201, {"id": 1, "context": call.body["context"], "status": call.body["state"]}

    @on("GET", f"{REPO}/issues")
    def issues(self, call: Call) -> Any:
        """As some versions do: asked for a label that is not there, it answers with all."""
        label = call.query["labels"]
        found = [each for each in reversed(self.state.entries.values()) if each.open]
        known = label in self.state.labels
        return 200, Paged([self._entry(each) for each in found if not known or label in each.labels])

    @on("POST", f"{REPO}/issues")
    def issue(self, call: Call) -> Any:
        labels = [self.state.labels[number] for number in call.body["labels"]]
        return 201, self._entry(self.state.entry(call.body["title"], call.body["body"], labels))

    @on("PATCH", f"{REPO}/issues/{{index}}")
    def change_issue(self, call: Call) -> Any:
        entry = self.state.entries[int(call.params["index"])]
        entry.title, entry.body, entry.open = call.body["title"], call.body["body"], call.body["state"] == "open"
        return 201, self._entry(entry)

    @on("GET", f"{REPO}/labels")
    def labels(self, call: Call) -> Any:
        return 200, Paged([{"id": number, "name": name} for number, name in enumerate(self.state.labels)])

    @on("POST", f"{REPO}/labels")
    def label(self, call: Call) -> Any:
        self.state.labels.append(call.body["name"])
        return 201, {"id": len(self.state.labels) - 1, "name": call.body["name"], "color": "cc3311"}

    def _pull(self, pull: Pull) -> Any:
        answer: dict[str, Any] = {"number": pull.number, "title": pull.title, "user": {"login": pull.author}}
        answer |= {"state": "open" if pull.state == "open" else "closed", "merged": bool(pull.merge)}
        answer |= {"head": {"sha": pull.head, "ref": pull.source, "repo_id": 6 if pull.foreign else 5}}
        base = {"sha": self.state.branches.get(pull.target, ""), "ref": pull.target, "repo_id": 5}
        answer |= {"base": base, "html_url": f"{self.url}/octo/shop/pulls/{pull.number}"}
        return answer | ({"merge_commit_sha": pull.merge} if pull.merge else {})

    def _note(self, note: Note) -> Any:
        return {"id": note.id, "body": note.body, "user": {"login": note.author}}

    def _entry(self, entry: Entry) -> Any:
        answer = {
            "number": entry.number,
            "title": entry.title,
            "body": entry.body,
            "user": {"login": self.state.account},
        }
        labels = [{"id": self.state.labels.index(name), "name": name} for name in entry.labels]
        answer |= {"state": "open" if entry.open else "closed", "labels": labels}
        return answer | {"html_url": f"{self.url}/octo/shop/issues/{entry.number}"}
