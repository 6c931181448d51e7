"""Files as other packages ship and write them: they go up and come back byte for byte."""

from __future__ import annotations

import hashlib
import importlib.util

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from synapse import DataCollection, DataUnit, FileSpecification

pytestmark = pytest.mark.usefixtures("session")

MOST, LARGEST = 8, 300_000
PICTURES = {".png", ".jpg", ".gif", ".tif"}


def shipped(package: str, folder: str, suffixes: Iterable[str]) -> list[Path]:
    """Give some files that a package brings along, which need not be imported for it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed: `make setup` brings it")
    root = Path(spec.origin).parent / folder
    found = sorted(path for path in root.rglob("*") if path.suffix in suffixes and path.is_file())
    return [path for path in found if path.name != "README" and 0 < path.stat().st_size < LARGEST][:MOST]


def imported(package: str) -> ModuleType:
    """Give a package that files are written by."""
    return pytest.importorskip(package, reason=f"{package} is not installed: `make setup` brings it")


def by_imageio(folder: Path) -> list[Path]:
    """Write pictures of several depths, and a moving one."""
    imageio = imported("imageio.v3")
    paths = [folder / name for name in ("8.png", "16.png", "float.tif", "moving.gif", "a.webp")]
    kinds = (np.uint8, np.uint16, np.float32, np.uint8, np.uint8)
    shapes = ((9, 9, 3), (9, 9), (9, 9), (3, 9, 9, 3), (9, 9, 3))
    for path, kind, shape in zip(paths, kinds, shapes, strict=True):
        imageio.imwrite(path, (np.random.default_rng(7).random(shape) * 255).astype(kind))
    return paths


def by_soundfile(folder: Path) -> list[Path]:
    """Write a second of a tone in several formats."""
    soundfile = imported("soundfile")
    paths = [folder / name for name in ("a.wav", "a.flac", "a.ogg", "a.aiff", "a.mp3")]
    for path in paths:
        soundfile.write(path, np.sin(np.arange(8_000) / 9), 8_000)
    return paths


def by_laspy(folder: Path) -> list[Path]:
    """Write a point cloud with its header, and the same points raw, as KITTI has them."""
    laspy = imported("laspy")
    points = np.random.default_rng(7).random((500, 4)).astype(np.float32)
    cloud = laspy.create()
    cloud.x, cloud.y, cloud.z = points[:, 0], points[:, 1], points[:, 2]
    cloud.write(folder / "a.las")
    points.tofile(folder / "a.bin")
    np.save(folder / "a.npy", points)
    return [folder / name for name in ("a.las", "a.bin", "a.npy")]


SOURCES = {
    "scikit-image": ("image", lambda folder: shipped("skimage", "data", PICTURES)),
    "scikit-learn": ("image", lambda folder: shipped("sklearn", "datasets/images", PICTURES)),
    "pydicom": ("image", lambda folder: shipped("pydicom", "data/test_files", {".dcm"})),
    "pydicom, bare names": (
        "image",
        lambda folder: shipped("pydicom", "data/test_files/dicomdirtests", {""}),
    ),
    "imageio": ("image", by_imageio),
    "soundfile": ("audio", by_soundfile),
    "laspy": ("pcd", by_laspy),
}


@pytest.mark.parametrize("name", SOURCES)
def test_real_files_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    """Pictures, DICOM with and without an extension, sounds, point clouds."""
    kind, files_of = SOURCES[name]
    paths = files_of(tmp_path)
    spec = FileSpecification(name=f"{kind}_1", file_type=kind, is_primary=True, is_required=True)
    collection = DataCollection.objects.create(name=name, category=kind, file_specifications=[spec])

    report = collection.upload(paths)
    DataUnit.objects.filter(data_collection=collection).download(tmp_path / "out")

    assert len(paths) == len(report.created) + len(report.reused) > 1
    assert digests(paths) == digests(path for path in (tmp_path / "out").rglob("[!.]*") if path.is_file())


def digests(paths: Iterable[Path]) -> set[str]:
    """Give the checksums of files."""
    return {hashlib.md5(path.read_bytes()).hexdigest() for path in paths}
