"""A client for pyright's language server, which is the engine of Pylance: it asks what an editor would offer."""

from __future__ import annotations

import json
import subprocess
import sys

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self


class LanguageServer:
    """The server on its standard streams, for the files of a folder and the packages of an interpreter."""

    def __init__(self, folder: Path, *, python: Path) -> None:
        program = Path(sys.executable).with_name("pyright-langserver")
        self.process = subprocess.Popen(
            [program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self.folder = folder
        self.python = python
        self.number = 0

    def __enter__(self) -> Self:
        workspace = {"uri": self.folder.as_uri(), "name": "work"}
        capabilities = {"workspace": {"configuration": True, "workspaceFolders": True}}
        self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": workspace["uri"],
                "capabilities": capabilities,
                "workspaceFolders": [workspace],
            },
        )
        self.tell("initialized", {})
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def completions(self, text: str) -> list[str]:
        """Give what is offered at the `|` of a source text."""
        before, _, after = text.partition("|")
        uri = (self.folder / f"case_{self.number}.py").as_uri()
        opened = {"uri": uri, "languageId": "python", "version": 1, "text": before + after}
        self.tell("textDocument/didOpen", {"textDocument": opened})
        place = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        found = self.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": place})
        return [item["label"] for item in (found or {"items": []})["items"]]

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """Send a request and wait for its answer, answering the server's own questions meanwhile."""
        self.number += 1
        asked = self.number
        self._send({"id": asked, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == asked and "method" not in message:
                return message.get("result")
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": self._answer(message)})

    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def _answer(self, message: Mapping[str, Any]) -> Any:
        if message["method"] != "workspace/configuration":
            return None
        settings = {"python": {"pythonPath": str(self.python)}}
        return [settings.get(item.get("section", "")) for item in message["params"]["items"]]

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = _open(self.process.stdin)
        stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        stream.flush()

    def _receive(self) -> dict[str, Any]:
        stream = _open(self.process.stdout)
        length = 0
        while (line := stream.readline().strip()) or not length:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(stream.read(length))
        return message


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None or stream.closed:
        raise EOFError("the language server has ended")
    return stream
