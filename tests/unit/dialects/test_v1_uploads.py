"""The wire of files that go straight to a storage."""

from __future__ import annotations

from typing import Any

import pytest

from synapse.dialects import Reply
from synapse.dialects.uploads import StoredFile, UploadTarget, Verdict
from synapse.dialects.v1_uploads import ask_targets, confirm, targets, verdicts

URL = "https://store/key?X-Amz-Signature=f00dfeed"


def parts(*numbers: int, size: int = 10) -> dict[str, Any]:
    """Describe a file that comes in parts of that size."""
    rows = [{"part_number": number, "presigned_url": f"{URL}&n={number}"} for number in numbers]
    return {
        "file_key": "k",
        "presigned_url": None,
        "multipart": {"upload_id": "u", "part_size": size, "parts": rows},
    }


class TestAsk:
    def test_names_size_and_type(self) -> None:
        """An unknown type is null, as the wire wants it."""
        request = ask_targets([("a.jpg", 120, "image/jpeg"), ("b", 1, None)], seconds=7200)

        assert ("POST", "data_files/presigned_upload/upload/") == (request.method, request.path)
        assert {
            "files": [
                {"filename": "a.jpg", "size": 120, "content_type": "image/jpeg"},
                {"filename": "b", "size": 1, "content_type": None},
            ],
            "expiration": 7200,
        } == request.json

    @pytest.mark.parametrize(("seconds", "asked"), [(0, 3600), (5000, 5000), (10**9, 86_400)])
    def test_time_is_kept_within_limits(self, seconds: int, asked: int) -> None:
        """Addresses last an hour at the least, and a day at the most."""
        assert asked == ask_targets([("a", 1, None)], seconds=seconds).json["expiration"]


class TestTargets:
    def test_one_address_or_parts(self) -> None:
        """Either is read, in the order of the request, parts by their numbers."""
        whole = {"file_key": "w", "presigned_url": URL, "multipart": None}

        found = targets(Reply(200, {"files": [whole, parts(3, 1, 2)]}), [5, 25])

        assert [
            UploadTarget("w", (URL,)),
            UploadTarget("k", (f"{URL}&n=1", f"{URL}&n=2", f"{URL}&n=3"), part_size=10, upload="u"),
        ] == found
        assert "f00dfeed" not in repr(found)

    @pytest.mark.parametrize(
        ("rows", "size"),
        [
            ([parts(1, 2)], 25),
            ([parts(1, 2, 3)], 20),
            ([parts(1, 1)], 20),
            ([parts(0, 1)], 20),
            ([parts(1, size=0)], 10),
            (
                [
                    {
                        **parts(1),
                        "multipart": {"upload_id": "u", "part_size": 10, "parts": [{"part_number": []}]},
                    }
                ],
                10,
            ),
            ([{**parts(1), "presigned_url": URL}], 10),
            ([{**parts(1), "file_key": None}], 10),
            ([{**parts(1), "multipart": {"upload_id": 7, "part_size": 10, "parts": []}}], 10),
            ([{**parts(1), "multipart": []}], 10),
            ([{"file_key": "k", "presigned_url": "file:///etc"}], 10),
            ([], 10),
            (None, 10),
        ],
    )
    def test_anything_else_is_refused(self, rows: Any, size: int) -> None:
        """Parts have to cover the file, each once, and addresses are of the web."""
        with pytest.raises(ValueError, match="^(a file|the parts|1 files)") as caught:
            targets(Reply(200, {"files": rows}), [size])

        assert "f00dfeed" not in str(caught.value)

    def test_two_files_have_two_keys(self) -> None:
        """Else one of them would take the place of the other."""
        row = {"file_key": "w", "presigned_url": URL, "multipart": None}

        with pytest.raises(ValueError, match="two files have one key"):
            targets(Reply(200, {"files": [row, row]}), [1, 1])


class TestConfirm:
    def test_tells_checksum_size_and_tags(self) -> None:
        """Parts are numbered from one, and an unknown tag is empty."""
        whole = StoredFile(UploadTarget("w", (URL,)), "sha", 5)
        parted = StoredFile(UploadTarget("k", (URL, URL), part_size=10, upload="u"), "sha2", 20, ('"e1"', ""))

        assert [
            {"file_key": "w", "checksum": "sha", "size": 5},
            {
                "file_key": "k",
                "checksum": "sha2",
                "size": 20,
                "multipart": {
                    "upload_id": "u",
                    "parts": [{"part_number": 1, "etag": '"e1"'}, {"part_number": 2, "etag": ""}],
                },
            },
        ] == confirm([whole, parted]).json["files"]

    def test_reads_what_became_of_each(self) -> None:
        """Success may come without a key, and a failure without a reason; what cannot be read is left out."""
        rows = [
            {"file_key": "a", "success": True, "data_file_id": 7},
            {"file_key": "b", "success": True, "data_file_id": None},
            {"file_key": "c", "success": False, "error": "gone"},
            {"file_key": "d", "success": False, "error": None},
            {"success": True},
            3,
        ]

        assert {
            "a": Verdict(7),
            "b": Verdict(),
            "c": Verdict(error="gone"),
            "d": Verdict(error="no reason was given"),
        } == verdicts(Reply(200, {"results": rows}))

    @pytest.mark.parametrize("data", [None, [], {}, {"results": "all"}])
    def test_reads_nothing_from_nothing(self, data: Any) -> None:
        """An answer of another shape says nothing of any file."""
        assert {} == verdicts(Reply(200, data))
