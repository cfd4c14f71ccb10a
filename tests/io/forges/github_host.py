"""GitHub: answers are the examples of its description, with what the server keeps put into them."""

from __future__ import annotations

import json
from typing import Any

from tests.io.forges.described import description
from tests.io.forges.server import Call, Entry, Host, Note, Paged, Pull, Refusal, on

REPO = "/repos/{owner}/{repo}"


class GitHubHost(Host):
    prefix = "/api/v3"
    viewer = ""
    most_words = 65_536

    def __init__(self) -> None:
        super().__init__()
        self.described = description("github")

    def error(self, status: int, words: str) -> Any:
        errors = [{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": words}]
        return {
            "message": words,
            "documentation_url": "https://docs.github.com",
            **({"errors": errors} if status == 422 else {}),
        }

    def beside(self, method: str, path: str, body: bytes | None) -> Any:
        """GraphQL is described by a schema of its own (docs.github.com/graphql, ``viewer``)."""
        asked = json.loads(body or b"{}").get("query")
        if (method, path, asked) != ("POST", "/api/graphql", "{viewer{login}}"):
            return None
        return {"data": {"viewer": {"login": self.viewer}}}

    @on("GET", "/user")
    def user(self, call: Call) -> Any:
        answer = self.described.example("private-user-response-with-public-and-private-profile-information")
        return 200, answer | {"login": self.state.account, "user_view_type": "private"}

    @on("GET", f"{REPO}/pulls")
    def pulls(self, call: Call) -> Any:
        asked = call.query
        found = [pull for pull in self.state.pulls.values() if pull.state == asked["state"]]
        return 200, Paged([self._simple(pull) for pull in found if pull.target == asked["base"]])

    @on("GET", f"{REPO}/pulls/{{pull_number}}")
    def pull(self, call: Call) -> Any:
        return 200, self._pull(self._found(call.params["pull_number"]), "pull-request")

    @on("GET", f"{REPO}/branches/{{branch}}")
    def branch(self, call: Call) -> Any:
        if call.params["branch"] not in self.state.branches:
            raise Refusal(404, "Branch not found")
        answer = self.described.example("branch-get")
        answer["commit"]["sha"] = self.state.branches[call.params["branch"]]
        return 200, answer

    @on("GET", f"{REPO}/commits/{{commit_sha}}/pulls")
    def pulls_of(self, call: Call) -> Any:
        found = [pull for pull in self.state.pulls.values() if call.params["commit_sha"] in (pull.merge, pull.head)]
        if not found:
            raise Refusal(422, f"No commit found for SHA: {call.params['commit_sha']}")
        return 200, Paged([self._simple(pull) for pull in found])

    @on("GET", f"{REPO}/issues/{{issue_number}}/comments")
    def comments(self, call: Call) -> Any:
        return 200, Paged([self._note(note) for note in self.state.notes_of(int(call.params["issue_number"]))])

    @on("POST", f"{REPO}/issues/{{issue_number}}/comments")
    def comment(self, call: Call) -> Any:
        self.state.notes_of(int(call.params["issue_number"]))
        return 201, self._note(self.state.note(int(call.params["issue_number"]), self._sized(call.body["body"])))

    @on("PATCH", f"{REPO}/issues/comments/{{comment_id}}")
    def change(self, call: Call) -> Any:
        note = self.state.found(int(call.params["comment_id"]))
        note.body = self._sized(call.body["body"])
        return 200, self._note(note)

    @on("POST", f"{REPO}/statuses/{{sha}}")
    def status(self, call: Call) -> Any:
        if len(call.body.get("description", "")) > 140:
            raise Refusal(422, "Validation Failed")
        self.state.statuses.append({"sha": call.params["sha"], **call.body})
        return 201, self.described.example("status") | {"state": call.body["state"]}

    @on("GET", f"{REPO}/issues")
    def issues(self, call: Call) -> Any:
        found = [each for each in self.state.entries.values() if each.open and call.query["labels"] in each.labels]
        found = found if call.query.get("direction") == "asc" else found[::-1]
        return 200, Paged([self._entry(each) for each in found])

    @on("POST", f"{REPO}/issues")
    def issue(self, call: Call) -> Any:
        return 201, self._entry(self.state.entry(call.body["title"], call.body["body"], call.body["labels"]))

    @on("PATCH", f"{REPO}/issues/{{issue_number}}")
    def change_issue(self, call: Call) -> Any:
        entry = self.state.entries[int(call.params["issue_number"])]
        entry.title, entry.body, entry.open = call.body["title"], call.body["body"], call.body["state"] == "open"
        return 200, self._entry(entry)

    def _found(self, number: str) -> Pull:
        if int(number) not in self.state.pulls:
            raise Refusal(404, "Not Found")
        return self.state.pulls[int(number)]

    def _sized(self, body: str) -> str:
        if len(body) > self.most_words:
            raise Refusal(422, "Body is too long (maximum is 65536 characters)")
        return body

    def _simple(self, pull: Pull) -> Any:
        return self._pull(pull, "pull-request-simple-items")

    def _pull(self, pull: Pull, example: str) -> Any:
        shown = self.described.example(example)
        answer = shown[0] if isinstance(shown, list) else shown
        answer |= {"number": pull.number, "title": pull.title, "requested_teams": []}
        answer |= {"state": "open" if pull.state == "open" else "closed"}
        answer |= {"html_url": f"{self.url}/octo/shop/pull/{pull.number}"}
        answer |= {"merged_at": "2026-01-02T03:04:05Z" if pull.merge else None}
        answer["user"]["login"] = pull.author
        # of an open one this is a merge that GitHub tries by itself
        answer["merge_commit_sha"] = pull.merge or "e5bd3914e2e596debea16f433f57875b5b90bcd6"
        answer["head"] |= {"sha": pull.head, "ref": pull.source}
        answer["base"] |= {"sha": f"{0xDEAD:040x}", "ref": pull.target}
        answer["base"]["repo"]["full_name"] = "octo/shop"
        answer["head"]["repo"]["full_name"] = "mona/shop" if pull.foreign else "octo/shop"
        return answer

    def _note(self, note: Note) -> Any:
        answer = self.described.example("issue-comment") | {"id": note.id, "body": note.body}
        answer["user"]["login"] = note.author
        return answer

    def _entry(self, entry: Entry) -> Any:
        answer = self.described.example("issue") | {"number": entry.number, "title": entry.title, "body": entry.body}
        if not entry.pull:
            answer.pop("pull_request", None)
        answer |= {
            "state": "open" if entry.open else "closed",
            "html_url": f"{self.url}/octo/shop/issues/{entry.number}",
        }
        answer["user"]["login"] = self.state.account
        return answer
