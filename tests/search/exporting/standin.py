"""A stand-in for the hub's HTTP interface, as huggingface_hub 2.4 speaks it: no more than a push needs.

The card's rules are those that the hub's documentation states and its refusals show; the hub's own code is
not public.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

TOKEN = "hf_aTokenThatNobodyMaySee"
ID = re.compile(r"[\w.-]+/[\w.-]+")
LICENSES = {"apache-2.0", "mit", "llama3", "other", "cc-by-4.0", "gemma"}
RELATIONS = {"adapter", "merge", "quantized", "finetune"}


@dataclass
class Repo:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class Hub:
    """What it holds, and what it was asked."""

    url: str = ""
    users: dict[str, str] = field(default_factory=lambda: {TOKEN: "me"})
    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    full: bool = False
    """It takes no weights."""


def faults(card: str) -> list[str]:
    """What the hub would not take of a card's front matter."""
    found = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)
    said = yaml.safe_load(found[1]) if found else None
    if not isinstance(said, Mapping):
        return ["empty or missing yaml metadata in repo card"]
    wrong = []
    models = said.get("base_model", [])
    models = models if isinstance(models, list) else [models]
    wrong += [f'"base_model" with value "{each}" is not valid' for each in models if not ID.fullmatch(each)]
    if said.get("base_model_relation", "merge") not in RELATIONS:
        wrong.append('"base_model_relation" is not valid')
    if "license" in said and said["license"] not in LICENSES:
        wrong.append(f'"license" must be one of {sorted(LICENSES)}')
    if ("license_name" in said or "license_link" in said) and said.get("license") != "other":
        wrong.append('"license_name" goes with "license: other"')
    wrong += [
        f'"{key}" must be an array of strings' for key in ("tags", "metrics") if not _strings(said, key)
    ]
    wrong += [fault for model in said.get("model-index", []) for fault in _index_faults(model)]
    return wrong


def _strings(said: Mapping[str, Any], key: str) -> bool:
    return all(isinstance(each, str) for each in said.get(key, []))


def _index_faults(model: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(model.get("name"), str):
        yield '"model-index[0].name" is required'
    for result in model.get("results", [{}]):
        for part, keys in {"task": ("type",), "dataset": ("type", "name")}.items():
            for key in keys:
                if not isinstance(result.get(part, {}).get(key), str):
                    yield f'"model-index[0].results[0].{part}.{key}" is required'
        for metric in result.get("metrics", [{}]):
            if not isinstance(metric.get("type"), str) or "value" not in metric:
                yield '"model-index[0].results[0].metrics[0]" needs type and value'


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that listens on this machine for as long as the block lasts."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self.hub.asked.append(("GET", self.path))
        if self.path == "/api/whoami-v2":
            user = self._user()
            return (
                self._answer(401, {"error": "Invalid user token."})
                if user is None
                else self._answer(200, {"name": user, "type": "user"})
            )
        if found := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)(\?.*)?", self.path):
            repo = self.hub.repos.get(found[1])
            if repo is None:
                return self._answer(404, {"error": "Repository not found"}, code="RepoNotFound")
            return self._answer(200, {"id": found[1], "private": repo.private, "sha": "0" * 40})
        return self._answer(404, {"error": "nothing here"})

    def do_POST(self) -> None:
        self.hub.asked.append(("POST", self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/validate-yaml":
            card = json.loads(body)["content"]
            self.hub.cards.append(card)
            wrong = [{"message": each} for each in faults(card)]
            return self._answer(400 if wrong else 200, {"errors": wrong, "warnings": []})
        if self._user() is None:
            return self._answer(401, {"error": "Invalid user token."})
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        if found := re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
            files = [each["path"] for each in json.loads(body)["files"]]
            modes = [
                {
                    "path": p,
                    "uploadMode": "lfs" if p.endswith((".safetensors", ".gguf")) else "regular",
                    "shouldIgnore": False,
                }
                for p in files
            ]
            return self._answer(200, {"files": modes})
        if self.path.endswith(".git/info/lfs/objects/batch"):
            return self._batch(json.loads(body))
        if found := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
            return self._commit(found[1], [json.loads(line) for line in body.splitlines()])
        if self.path == "/verify":
            said = json.loads(body)
            return self._answer(200 if len(self.hub.blobs[said["oid"]]) == said["size"] else 422, {})
        return self._answer(404, {"error": "nothing here"})

    def do_PUT(self) -> None:
        self.hub.asked.append(("PUT", self.path))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.hub.full:
            return self._answer(413, {"error": "no room"})
        self.hub.blobs[self.path.rpartition("/")[2]] = body
        return self._answer(200, {})

    def _create(self, said: Mapping[str, Any]) -> None:
        repo = f"{said.get('organization') or self._user()}/{said['name']}"
        if not repo.startswith(f"{self._user()}/"):
            return self._answer(
                403, {"error": "You don't have the rights to create a model under this namespace"}
            )
        if repo in self.hub.repos:
            return self._answer(
                409, {"error": "You already created this model repo", "url": f"{self.hub.url}/{repo}"}
            )
        self.hub.repos[repo] = Repo(private=said.get("visibility") == "private" or bool(said.get("private")))
        return self._answer(200, {"url": f"{self.hub.url}/{repo}", "name": repo})

    def _batch(self, said: Mapping[str, Any]) -> None:
        self._answer(
            200,
            {
                "transfer": "basic",
                "objects": [
                    {
                        "oid": each["oid"],
                        "size": each["size"],
                        "actions": {
                            "upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"},
                            "verify": {"href": f"{self.hub.url}/verify"},
                        },
                    }
                    for each in said["objects"]
                ],
            },
        )

    def _commit(self, name: str, lines: list[Mapping[str, Any]]) -> None:
        repo = self.hub.repos[name]
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                repo.commits.append(value["summary"])
            elif line["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repo.files[value["path"]] = self.hub.blobs[value["oid"]]
                assert sha256(repo.files[value["path"]]).hexdigest() == value["oid"]
        self._answer(
            200,
            {
                "commitUrl": f"{self.hub.url}/{name}/commit/{'1' * 40}",
                "commitOid": "1" * 40,
                "pullRequestUrl": None,
            },
        )

    def _user(self) -> str | None:
        return self.hub.users.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def _answer(self, status: int, said: object, code: str | None = None) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
