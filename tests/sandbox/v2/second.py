"""A plain HTTP client of the API below `/v2/`, for tests that look at the wire itself."""

from __future__ import annotations

from typing import Any

import requests

from tests.sandbox.wire import Wire


class Second(Wire):
    """Speaks to one sandbox with one token, in the second generation's headers."""

    def __init__(self, url: str, token: str = "") -> None:
        super().__init__(f"{url}/v2")
        self.first = Wire(url, token)
        self.headers = {"SYNAPSE-ACCESS-TOKEN": token} if token else {}

    def data(self, path: str, **options: Any) -> Any:
        """Read what is in the envelope of a 200."""
        return self.get(path, **options)["data"]

    def made(self, path: str, body: Any) -> Any:
        """Create something and return it."""
        return self.create(path, body)["data"]

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Return the status and the code of a refusal."""
        return refusal(self.send(method, path, json=body))

    def walk(self, path: str) -> list[list[dict[str, Any]]]:
        """Read a list page by page, whichever way it tells the next one."""
        pages, place, seen = [], path, set[str]()
        while place:
            assert place not in seen, "the chain leads in a circle"
            seen.add(place)
            page = self.get(place)
            pages.append(page["data"])
            following = page["meta"]["pagination"]["next_cursor"]
            if following and not following.startswith("http"):
                following = requests.Request("GET", f"{self.url}/{path}", params={"cursor": following})
                following = following.prepare().url
            place = following
        return pages


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return the status and the code of a refusal, which has the form of all others."""
    body = answer.json()
    assert body["meta"]["request_id"].startswith("req_")
    assert body["error"].keys() == {"code", "message", "details"}
    return answer.status_code, body["error"]["code"]
