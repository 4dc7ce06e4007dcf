"""A server that keeps repositories in memory and answers what huggingface_hub's client asks of the hub."""

from __future__ import annotations

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

COMMIT = "0123456789" * 4


class Hub(BaseHTTPRequestHandler):
    """Answers the calls of an upload without large-file storage and of a download."""

    repositories: ClassVar[dict[str, dict[str, bytes]]] = {}
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, value: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = self.path.split("?")[0].strip("/").split("/")
        if self.headers.get("Authorization") != "Bearer secret":
            self.answer({"error": "Invalid credentials"}, 401)
        elif parts == ["api", "repos", "create"]:
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            self.repositories.setdefault(name, {})
            self.answer({"url": f"http://{self.headers['Host']}/{name}"})
        elif parts == ["api", "validate-yaml"]:
            self.answer({"errors": [], "warnings": []})
        elif "preupload" in parts:
            files = [{"path": file["path"]} for file in json.loads(body)["files"]]
            self.answer({"files": [file | {"uploadMode": "regular", "shouldIgnore": False} for file in files]})
        else:
            assert "commit" in parts
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    self.repositories["/".join(parts[2:4])][line["value"]["path"]] = content
            address = f"https://huggingface.co/{'/'.join(parts[2:4])}/commit/{COMMIT}"
            self.answer({"commitUrl": address, "commitOid": COMMIT, "success": True})

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if name not in self.repositories:
            self.answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return
        files = self.repositories[name]
        listed = [
            {"type": "file", "path": path, "rfilename": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for path, data in files.items()
        ]
        if "tree" in parts:
            self.answer(listed)
        elif parts[0] == "api":
            self.answer({"id": name, "sha": COMMIT, "siblings": listed})
        else:
            data = files["/".join(parts[4:])]
            self.answer(data, headers={"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT})

    do_HEAD = do_GET
