"""What of an address is the file, and what its signature."""

from __future__ import annotations

import pytest

from synapse.downloads.fetch import without_signature

SIGNATURES = {
    "AWS, version 4": (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F1&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60"
        "&X-Amz-SignedHeaders=host&X-Amz-Security-Token=t&X-Amz-Signature=0a"
    ),
    "AWS, version 2": "AWSAccessKeyId=K&Signature=a%3D&Expires=1",
    "Google, version 4": "X-Goog-Algorithm=G&X-Goog-Credential=K&X-Goog-Date=1&X-Goog-Signature=0a",
    "Google, version 2": "GoogleAccessId=K&Expires=1&Signature=a%3D",
    "CloudFront": "Expires=1&Signature=a~&Key-Pair-Id=K",
    "CloudFront, with a policy": "Policy=e30_&Signature=a~&Key-Pair-Id=K",
    "Azure": "sv=2024-11-04&ss=b&srt=o&se=2026-01-01&st=2025-12-31&sp=r&spr=https&sig=a%3D",
    "Azure, for a user": "skoid=1&sktid=2&skt=3&ske=4&sks=b&skv=5&sr=b&sp=r&se=6&sig=a%3D",
    "by one name": "sig=1",
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=list(SIGNATURES))
@pytest.mark.parametrize("form", ["{}", "id=7&{}", "{}&versionId=a%20b&id=1&id=2"])
def test_a_signature_is_dropped(signature: str, form: str) -> None:
    """Whoever signed it, and whatever else there is, all else stays as it is and where it is."""
    bare = form.replace("&{}", "").replace("{}&", "").replace("{}", "")

    assert without_signature(f"http://h/a%20b?{bare}" if bare else "http://h/a%20b") == without_signature(
        f"http://user:word@h/a%20b?{form.format(signature)}#part"
    )


@pytest.mark.parametrize(
    "query",
    [
        "id=1",
        "st=2&se=3&sp=4",
        "Expires=1",
        "Policy=strict",
        "X-Amz-Meta=1",
        "token=1",
        "signature_of=x",
        "a",
        "=&&",
    ],
)
def test_all_else_is_the_file(query: str) -> None:
    """What is no signature tells one file from another, also where only its name is like that of a signature's."""
    assert f"http://h/a?{query}" == without_signature(f"http://h/a?{query}")
