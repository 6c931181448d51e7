"""What a name tells of a file: the SDK and the sandbox share no code, and mean the same."""

from __future__ import annotations

from mimetypes import MimeTypes

import pytest

from synapse.sandbox.backend import kinds as sandbox
from synapse.uploads import file_types as kinds

TYPES = ("image", "video", "audio", "pcd", "text", "data", "lidar")
EXTENSIONS = sorted(
    {
        *kinds._TYPES_BY_EXTENSION,
        *(each for names in sandbox._EXTENSIONS.values() for each in names.split()),
        *(each.lstrip(".") for table in MimeTypes().types_map for each in table),
        *("", "xyzzy", "JPG", "part", "gz"),
    }
)


@pytest.mark.parametrize("file_type", TYPES)
def test_both_refuse_the_same(file_type):
    """Extension by extension, those that only other tables know included."""
    ours = {each for each in EXTENSIONS if not kinds.name_contradicts(file_type, f"a.{each}")}

    assert ours == {each for each in EXTENSIONS if sandbox.fits(file_type, each)}


def test_a_point_cloud_may_be_raw():
    """As KITTI has them."""
    assert sandbox.fits("pcd", "bin") and not kinds.name_contradicts("pcd", "000001.bin")
