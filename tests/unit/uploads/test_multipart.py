"""Multipart bodies: their form, their length, and that they can be sent again."""

from __future__ import annotations

import email
import email.policy

from email.message import EmailMessage
from pathlib import Path

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapse.errors import TransferError
from synapse.transfer.local_file import LocalFile
from synapse.uploads import FilePart, MultipartBody
from tests.unit.transfer.conftest import MakeFile


def whole(body: MultipartBody) -> bytes:
    """Read a body to its end."""
    reader = body.open()
    try:
        return reader.read()
    finally:
        reader.close()


def parts(body: MultipartBody) -> list[tuple[str, bytes]]:
    """Return the disposition and the content of each part, as an independent parser reads them."""
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + whole(body), policy=email.policy.HTTP)
    assert isinstance(message, EmailMessage)
    found = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found.append((str(part["Content-Disposition"]), content))
    return found


class TestFields:
    def test_travel_as_text_json_and_repeats(self) -> None:
        """Mappings become JSON, lists repeat, flags are spelled out, `None` is left out."""
        fields = {"config": {"a": [1]}, "requirements": ["x", "y"], "debug": True, "plugin": 7, "none": None}
        names = [name.partition('"')[2].rstrip('"') for name, _ in parts(MultipartBody(fields))]
        texts = [text for _, text in parts(MultipartBody(fields))]

        assert ["config", "requirements", "requirements", "debug", "plugin"] == names
        assert [b'{"a": [1]}', b"x", b"y", b"True", b"7"] == texts

    @pytest.mark.parametrize("value", [object(), b"bytes", {"a": object()}])
    def test_that_have_no_text_are_refused(self, value: object) -> None:
        """What cannot be written as text is an error that names the field."""
        with pytest.raises(TransferError, match="field 'config'"):
            MultipartBody({"config": value})


class TestFiles:
    def test_carry_no_content_type_of_their_own(self, make_file: MakeFile) -> None:
        """A file part has a disposition and nothing else."""
        body = MultipartBody({}, files={"file": FilePart.of(make_file())})

        assert b"Content-Type" not in whole(body).partition(b"\r\n\r\n")[0]

    def test_keep_their_name_as_utf8(self, make_file: MakeFile) -> None:
        """Korean names travel as they are."""
        body = MultipartBody({}, files={"file": FilePart.of(make_file("사진 1.png"))})

        assert 'name="file"; filename="사진 1.png"'.encode() in whole(body)

    def test_cannot_leave_their_quotes(self, tmp_path: Path) -> None:
        """Quotes and line breaks in a name are escaped, so that it cannot add headers or parts."""
        path = tmp_path / 'a"b\r\nX-Evil: 1.png'
        path.write_bytes(b"x")
        body = MultipartBody({}, files={"file": FilePart.of(path)})

        assert b'filename="a%22b%0D%0AX-Evil: 1.png"\r\n\r\nx' in whole(body)

    def test_are_read_anew_for_every_attempt(self, make_file: MakeFile) -> None:
        """A body that is opened again starts at its beginning."""
        body = MultipartBody({"a": "b"}, files={"file": FilePart.of(make_file())})

        assert whole(body) == whole(body)

    def test_are_refused_when_they_change_before_their_last_bytes(self, make_file: MakeFile) -> None:
        """A file that is replaced meanwhile keeps its last bytes from being sent."""
        source = LocalFile.of(make_file(size=100))
        reader = MultipartBody({}, files={"file": FilePart.whole(source, "x")}).open()
        reader.read(5000)
        reader.read(50)
        make_file("other", size=100).replace(source.path)

        with pytest.raises(TransferError, match="replaced"):
            reader.read(5000)
        reader.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(start=st.integers(0, 99), length=st.integers(0, 100), block=st.integers(1, 90))
def test_reads_any_span_in_any_blocks(make_file: MakeFile, start: int, length: int, block: int) -> None:
    """Whatever the blocks, a body is as long as it says and holds the bytes of its span."""
    path = make_file(size=100)
    length = min(length, 100 - start)
    body = MultipartBody({"n": "v"}, files={"file": FilePart(LocalFile.of(path), "file", start, length)})
    reader = body.open()
    content = b"".join(iter(lambda: reader.read(block), b""))

    assert body.length == len(content)
    assert path.read_bytes()[start : start + length] == content.split(b"\r\n\r\n", 2)[2][:length]
