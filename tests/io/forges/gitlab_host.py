"""GitLab: recorded shapes (docs.gitlab.com/api), since no registry has its description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.io.forges.described import description
from tests.io.forges.server import TOKEN, Call, Entry, Host, Note, Paged, Pull, Refusal, on

PROJECT = "/projects/{id}"
REQUEST = f"{PROJECT}/merge_requests/{{merge_request_iid}}"
AUTHOR = {"id": 1, "name": "A Person", "state": "active", "avatar_url": "", "web_url": "https://gitlab.example/u"}


class GitLabHost(Host):
    prefix = "/api/v4"
    most_words = 1_000_000

    def __init__(self) -> None:
        super().__init__()
        self.described = description("gitlab")
        self.pipelines: dict[str, int] = {}

    def allowed(self, headers: Mapping[str, str]) -> bool:
        return TOKEN in (headers.get("PRIVATE-TOKEN"), headers.get("JOB-TOKEN"))

    def error(self, status: int, words: str) -> Any:
        return {"message": {"note": [words]}} if status == 422 else {"message": words}

    @on("GET", "/user")
    def user(self, call: Call) -> Any:
        return 200, AUTHOR | {"username": self.state.account}

    @on("GET", f"{PROJECT}/merge_requests")
    def pulls(self, call: Call) -> Any:
        assert call.params["id"] == "octo/shop"
        found = [pull for pull in self.state.pulls.values() if pull.target == call.query["target_branch"]]
        state = {"opened": "open"}[call.query["state"]]
        return 200, Paged([self._pull(pull) for pull in found if pull.state == state])

    @on("GET", REQUEST)
    def pull(self, call: Call) -> Any:
        if int(call.params["merge_request_iid"]) not in self.state.pulls:
            raise Refusal(404, "404 Not found")
        return 200, self._pull(self.state.pulls[int(call.params["merge_request_iid"])])

    @on("GET", f"{PROJECT}/repository/branches/{{branch}}")
    def branch(self, call: Call) -> Any:
        if call.params["branch"] not in self.state.branches:
            raise Refusal(404, "404 Branch Not Found")
        commit = {"id": self.state.branches[call.params["branch"]], "message": "m"}
        return 200, {"name": call.params["branch"], "merged": False, "protected": True, "commit": commit}

    @on("GET", f"{PROJECT}/repository/commits/{{sha}}")
    def commit(self, call: Call) -> Any:
        pipeline = self.pipelines.get(call.params["sha"])
        last = {"id": pipeline, "ref": "main", "sha": call.params["sha"], "status": "running"} if pipeline else None
        return 200, {"id": call.params["sha"], "title": "t", **({"last_pipeline": last} if last else {})}

    @on("GET", f"{PROJECT}/repository/commits/{{sha}}/merge_requests")
    def pulls_of(self, call: Call) -> Any:
        found = [pull for pull in self.state.pulls.values() if call.params["sha"] in (pull.merge, pull.head)]
        if not found:
            raise Refusal(404, "404 Commit Not Found")
        return 200, Paged([self._pull(pull) for pull in found])

    @on("GET", f"{REQUEST}/notes")
    def notes(self, call: Call) -> Any:
        assert (call.query["sort"], call.query["order_by"]) == ("asc", "created_at")
        return 200, Paged([self._note(note) for note in self.state.notes_of(int(call.params["merge_request_iid"]))])

    @on("POST", f"{REQUEST}/notes")
    def comment(self, call: Call) -> Any:
        self.state.notes_of(int(call.params["merge_request_iid"]))
        return 201, self._note(self.state.note(int(call.params["merge_request_iid"]), call.body["body"]))

    @on("PUT", f"{REQUEST}/notes/{{note_id}}")
    def change(self, call: Call) -> Any:
        note = self.state.found(int(call.params["note_id"]))
        note.body = call.body["body"]
        return 200, self._note(note)

    @on("POST", f"{PROJECT}/statuses/{{sha}}")
    def status(self, call: Call) -> Any:
        key = (call.params["sha"], call.body["name"])
        now = [each for each in self.state.statuses if (each["sha"], each["name"]) == key][-1:]
        state = call.body["state"]
        if now and now[0]["state"] == state == "running":
            words = 'Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")'
            raise Refusal(400, words)
        self.state.statuses.append({"sha": call.params["sha"], **call.body})
        answer = {"id": 1, "sha": call.params["sha"], "status": state, "name": call.body["name"], "ref": "main"}
        return 201, answer | {"author": AUTHOR, "created_at": "2026-01-19T09:05:50.355Z", "allow_failure": False}

    @on("GET", f"{PROJECT}/issues")
    def issues(self, call: Call) -> Any:
        found = [each for each in self.state.entries.values() if each.open and call.query["labels"] in each.labels]
        found = found if call.query.get("sort") == "asc" else found[::-1]
        return 200, Paged([self._entry(each) for each in found])

    @on("POST", f"{PROJECT}/issues")
    def issue(self, call: Call) -> Any:
        labels = call.body["labels"].split(",")
        return 201, self._entry(self.state.entry(call.body["title"], call.body["description"], labels))

    @on("PUT", f"{PROJECT}/issues/{{issue_iid}}")
    def change_issue(self, call: Call) -> Any:
        entry = self.state.entries[int(call.params["issue_iid"])]
        entry.title = call.body.get("title", entry.title)
        entry.body = call.body.get("description", entry.body)
        if "state_event" in call.body:
            entry.open = {"close": False, "reopen": True}[call.body["state_event"]]
        return 200, self._entry(entry)

    def _pull(self, pull: Pull) -> Any:
        answer: dict[str, Any] = {"id": 9000 + pull.number, "iid": pull.number, "title": pull.title, "sha": pull.head}
        answer |= {
            "source_branch": pull.source,
            "target_branch": pull.target,
            "author": AUTHOR | {"username": pull.author},
        }
        answer |= {"state": {"open": "opened"}.get(pull.state, pull.state), "target_project_id": 5}
        answer |= {"web_url": f"{self.url}/octo/shop/-/merge_requests/{pull.number}"}
        return (
            answer
            | {"source_project_id": 6 if pull.foreign else 5, "squash_commit_sha": None}
            | ({"merge_commit_sha": pull.merge} if pull.merge else {})
        )

    def _note(self, note: Note) -> Any:
        author = AUTHOR | {"username": note.author}
        return {"id": note.id, "body": note.body, "author": author, "system": note.kind == "system", "noteable_id": 1}

    def _entry(self, entry: Entry) -> Any:
        answer = {"id": 8000 + entry.number, "iid": entry.number, "title": entry.title, "description": entry.body}
        answer |= {"state": "opened" if entry.open else "closed", "author": AUTHOR | {"username": self.state.account}}
        return answer | {"labels": entry.labels, "web_url": f"{self.url}/octo/shop/-/issues/{entry.number}"}
