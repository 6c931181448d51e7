"""What keeps tokens, signatures and cookies out of the cassettes of vcrpy."""

from __future__ import annotations

import re

from typing import Any, Final

HIDDEN: Final = "***"
HEADERS: Final = (
    "Synapse-Access-Token",
    "Authorization",
    "SYNAPSE-Agent",
    "Cookie",
    "Proxy-Authorization",
)
PARAMETERS: Final = (
    "token",
    "access_token",
    "api_token",
    "sig",
    "signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "X-Goog-Credential",
)
_NAMED: Final = (
    b"token|secret|passw|passphrase|signature|credential|authorization|install_script|connection_?string"
    b"|(?:api|access|account|private|shared)_?key"
)
_MEMBER: Final = re.compile(rb'("[\w-]*(?:' + _NAMED + rb')[\w-]*"\s*:\s*)"(?:[^"\\]|\\.)*+"', re.IGNORECASE)
_FORM: Final = re.compile(rb"((?:^|&)[\w-]*(?:" + _NAMED + rb")[\w-]*=)[^&]*", re.IGNORECASE)
# An agent proves itself by the address that it asks for.
_AGENT: Final = re.compile("(/agents/)[^/?#]+(?=/connect)")
_SIGNED: Final = re.compile(
    rb"((?:[?&]|\\u0026)(?:" + "|".join(PARAMETERS).encode() + rb")=)[^&\"'\s\\#]*", re.IGNORECASE
)


def config() -> dict[str, Any]:
    """Return what vcrpy is to be configured with."""
    return {
        "filter_headers": [(name, HIDDEN) for name in HEADERS],
        "filter_query_parameters": [(name, HIDDEN) for name in PARAMETERS],
        "before_record_request": hidden_request,
        "before_record_response": hidden_response,
        # Else a secret in a body could not be found.
        "decode_compressed_response": True,
    }


def hidden_request(request: Any) -> Any:
    """Hide the secrets of a body, such as the password of a login, and of an agent's address; vcrpy gives a copy."""
    request.uri = _AGENT.sub(rf"\1{HIDDEN}", request.uri)
    kind = str(request.headers.get("Content-Type", ""))
    if isinstance(request.body, bytes) and _is_json(kind):
        request.body = _hidden(request.body)
    elif isinstance(request.body, bytes) and "urlencoded" in kind:
        request.body = _FORM.sub(rb"\1***", request.body)
    return request


def hidden_response(response: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without the cookies, signatures and secrets that it tells; the client gets the whole one."""
    headers: dict[str, list[str]] = {
        name: list(values) for name, values in response["headers"].items() if name.lower() != "set-cookie"
    }
    body, kinds = response["body"]["string"], [""]
    for name, values in headers.items():
        if name.lower() == "location":
            headers[name] = [_SIGNED.sub(rb"\1***", value.encode()).decode() for value in values]
        if name.lower() == "content-type":
            kinds = values
    if isinstance(body, bytes) and _is_json(kinds[0]):
        body = _hidden(body)
        headers |= {name: [str(len(body))] for name in headers if name.lower() == "content-length"}
    return {**response, "headers": headers, "body": {**response["body"], "string": body}}


def _is_json(kind: str) -> bool:
    return "json" in kind.lower()


def _hidden(body: bytes) -> bytes:
    return _SIGNED.sub(rb"\1***", _MEMBER.sub(rb'\1"***"', body))
