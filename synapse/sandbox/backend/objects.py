"""Talk to the object storage that clients put files into directly, over the S3 protocol."""

from __future__ import annotations

import importlib.util
import math

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings

MIB: Final = 1024 * 1024
LEAST_PART: Final = 5 * MIB  # of S3; only the last part may be smaller
MOST_PARTS: Final = 10_000
READABLE_SECONDS: Final = 3600
MARK: Final = "s3:"  # begins the name of a file that lies there, and of no other


class BucketError(ValueError):
    """The object storage cannot be used, for a reason that who started the server can mend."""


class StoredWrongError(Exception):
    """An object is not there as it was said to be."""


@dataclass(frozen=True)
class Bucket:
    """Where a bucket is, from which size on files come in parts, and how large a part is."""

    endpoint: str
    name: str
    region: str = "us-east-1"
    threshold: int = 100 * MIB
    part_size: int = 100 * MIB

    @classmethod
    def parse(cls, address: str) -> Bucket:
        """Read `http://host:port/bucket?region=…&threshold=…&part_size=…`."""
        try:
            url = urlsplit(address)
            given: dict[str, Any] = dict(parse_qsl(url.query))
            options = {name: value if name == "region" else int(value) for name, value in given.items()}
        except ValueError:
            raise BucketError("the options of its address are region, threshold and part_size") from None
        name = url.path.strip("/")
        if url.scheme not in ("http", "https") or not url.hostname or not name or "/" in name:
            raise BucketError("its address must be http(s)://host/bucket")
        if "@" in url.netloc:
            raise BucketError("its keys belong into the environment, not into its address")
        if options.keys() - {"region", "threshold", "part_size"}:
            raise BucketError("the options of its address are region, threshold and part_size")
        if options.get("part_size", LEAST_PART) < LEAST_PART or options.get("threshold", 1) < 1:
            raise BucketError(f"a part has {LEAST_PART} bytes or more, and a threshold is 1 or more")
        return cls(f"{url.scheme}://{url.netloc}", name, **options)

    def part_size_for(self, size: int) -> int:
        """Return how large the parts of a file of *size* bytes are, so that there are not too many."""
        return max(self.part_size, math.ceil(size / MOST_PARTS))


def check(bucket: Bucket) -> None:
    """Make sure that the bucket is there and may be used, or raise a `BucketError` that says why not."""
    if importlib.util.find_spec("boto3") is None:
        raise BucketError("it needs boto3: pip install boto3")
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _client(bucket).head_bucket(Bucket=bucket.name)
    except ClientError as error:
        words = {"404": "there is no such bucket", "403": "its keys are not accepted"}
        raise BucketError(words.get(error.response["Error"]["Code"], "it answers with an error")) from error
    except BotoCoreError as error:
        raise BucketError(str(error)) from error


def put_address(key: str, *, content_type: str | None, seconds: int) -> str:
    """Sign the address that takes a whole object, of the content type that was named and no other."""
    typed = {"ContentType": content_type} if content_type else {}
    return _sign("put_object", key, seconds=seconds, **typed)


def part_addresses(key: str, *, size: int, content_type: str | None, seconds: int) -> dict[str, Any]:
    """Begin an object that comes in parts, and sign an address for each of them."""
    bucket = _bucket()
    typed = {"ContentType": content_type} if content_type else {}
    begun = _client(bucket).create_multipart_upload(Bucket=bucket.name, Key=key, **typed)
    upload, part_size = begun["UploadId"], bucket.part_size_for(size)
    numbers = range(1, math.ceil(size / part_size) + 1)
    parts = [
        {
            "part_number": number,
            "presigned_url": _sign("upload_part", key, seconds=seconds, UploadId=upload, PartNumber=number),
        }
        for number in numbers
    ]
    return {"upload_id": upload, "part_size": part_size, "parts": parts}


def get_address(key: str) -> str:
    """Sign the address that an object can be read from, by anyone, for a while."""
    return _sign("get_object", key, seconds=READABLE_SECONDS)


def comes_in_parts(size: int) -> bool:
    """Tell whether a file of *size* bytes is too large for one request."""
    return size >= _bucket().threshold


def complete(key: str, *, upload: str, etags: Sequence[tuple[int, str]]) -> None:
    """Make one object of its parts; one that was made before stays as it is."""
    from botocore.exceptions import ClientError

    bucket = _bucket()
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in etags]
    try:
        _client(bucket).complete_multipart_upload(
            Bucket=bucket.name, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code != "NoSuchUpload":
            raise StoredWrongError(code) from error


@dataclass(frozen=True)
class Stored:
    """An object that is there: how many bytes it has, and their MD5 unless it came in parts."""

    size: int
    md5: str | None


def stored_at(key: str) -> Stored | None:
    """Return what there is to know of an object, None if it is not there."""
    from botocore.exceptions import ClientError

    bucket = _bucket()
    try:
        found = _client(bucket).head_object(Bucket=bucket.name, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return None
        raise
    tag = found["ETag"].strip('"')
    return Stored(found["ContentLength"], md5=None if "-" in tag else tag)


def _sign(call: str, key: str, *, seconds: int, **parameters: Any) -> str:
    bucket = _bucket()
    named = {"Bucket": bucket.name, "Key": key, **parameters}
    return _client(bucket).generate_presigned_url(call, Params=named, ExpiresIn=seconds)


def _bucket() -> Bucket:
    return settings.SANDBOX_BUCKET


@cache
def _client(bucket: Bucket) -> Any:
    import boto3

    from botocore.config import Config

    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=5,
        read_timeout=30,
        retries={"total_max_attempts": 3},
        max_pool_connections=64,
        # A checksum header would have to be sent by whoever uses a signed address.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", endpoint_url=bucket.endpoint, region_name=bucket.region, config=config)
