"""Storages as file systems, of every kind."""

from __future__ import annotations

import io
import os
import signal
import socket

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
import requests

from synapse.errors import StorageError, StorageNotFoundError
from synapse.interop.storages.paths import StoragePath
from tests.storages.conftest import Kind
from tests.storages.servers import Bucket

ODD = (
    "sp ace.txt",
    "한글/사진 1.txt",
    "q?x#y%20z&w=1+2.txt",
    "quote\"'<>.txt",
    "star*[x]{y}|~^`.txt",
    "back\\slash",
)
if os.name == "nt":  # where most of these are no names of files
    ODD = ODD[:2]


@contextmanager
def full_disk() -> Iterator[None]:
    """Have no file grow."""
    import resource

    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


class TestReading:
    """What is there is found and read."""

    def test_lists_a_folder(self, kind: Kind, prefix: str) -> None:
        """Files and folders come in the order of their names, with their sizes."""
        for name in ("b.txt", "a/inner.txt", "c.txt"):
            kind.put(f"{prefix}/{name}", b"12345")
        fs = kind.storage.filesystem()

        found = [(info["name"], info["type"], info["size"]) for info in fs.ls(prefix, detail=True)]

        files = [(f"{prefix}/{name}", "file", 5) for name in ("b.txt", "c.txt")]
        assert [(f"{prefix}/a", "directory", 0), *files] == found

    def test_reads_names_of_all_kinds(self, kind: Kind, prefix: str) -> None:
        """Names are taken as they are, in a listing as well."""
        for name in ODD:
            kind.put(f"{prefix}/{name}", name.encode())
        place = kind.storage.path(prefix)

        assert [name.encode() for name in ODD] == [(place / name).read_bytes() for name in ODD]
        assert {name.partition("/")[0] for name in ODD} == {path.name for path in place.iterdir()}

    def test_reads_parts(self, kind: Kind, prefix: str) -> None:
        """A file is read from anywhere, as pandas and pyarrow read theirs."""
        kind.put(f"{prefix}/a.bin", bytes(range(200)))

        with kind.storage.filesystem().open(f"{prefix}/a.bin") as file:
            file.seek(100)
            middle = file.read(3)
            file.seek(-2, io.SEEK_END)

            assert (b"def", b"\xc6\xc7") == (middle, file.read())

    def test_downloads_a_tree(self, kind: Kind, prefix: str, tmp_path: Any) -> None:
        """`get()` brings a folder with all that is in it."""
        kind.put(f"{prefix}/deep/a.txt", b"a")
        kind.put(f"{prefix}/b.txt", b"")

        kind.storage.filesystem().get(prefix, str(tmp_path / "got"), recursive=True)

        found = sorted(path for path in (tmp_path / "got").rglob("*") if path.is_file())
        assert [("b.txt", b""), ("a.txt", b"a")] == [(path.name, path.read_bytes()) for path in found]

    def test_leaves_no_part_of_a_download(self, kind: Kind, prefix: str, tmp_path: Any) -> None:
        """A download that fails leaves nothing behind, and what was there stays."""
        (tmp_path / "a.txt").write_bytes(b"kept")

        with pytest.raises(FileNotFoundError):
            kind.storage.filesystem().get_file(f"{prefix}/a.txt", str(tmp_path / "a.txt"))

        assert {"a.txt": b"kept"} == {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def test_a_file_lists_itself(self, kind: Kind, prefix: str) -> None:
        """As those of fsspec do, which some tools rely on."""
        kind.put(f"{prefix}/a.txt")

        assert [f"{prefix}/a.txt"] == kind.storage.filesystem().ls(f"{prefix}/a.txt", detail=False)

    def test_finds_by_a_pattern(self, kind: Kind, prefix: str) -> None:
        """`glob()` goes through the folders."""
        for name in ("a.png", "b.txt", "deep/c.png"):
            kind.put(f"{prefix}/{name}")

        assert ["a.png", "c.png"] == [path.name for path in kind.storage.path(prefix).rglob("*.png")]

    def test_nothing_there(self, place: StoragePath) -> None:
        """What is not there is a `FileNotFoundError`, and does not exist."""
        with pytest.raises(FileNotFoundError, match="there is nothing called"):
            (place / "missing.txt").read_bytes()
        assert not (place / "missing.txt").exists()

    def test_a_file_is_no_folder(self, kind: Kind, prefix: str) -> None:
        """A path that is a file is told from a folder."""
        kind.put(f"{prefix}/a.txt")
        path = kind.storage.path(f"{prefix}/a.txt")

        assert (True, False) == (path.is_file(), path.is_dir())
        with pytest.raises(StorageError, match="one file, not a folder"):
            list(path.iterdir())

    def test_a_file_that_changes_meanwhile(self, kind: Kind, prefix: str) -> None:
        """A file that is replaced while it is open is an error, and no mixture of both."""
        kind.put(f"{prefix}/a.bin", b"1" * 100)
        with kind.storage.filesystem().open(f"{prefix}/a.bin", block_size=10, cache_type="none") as file:
            file.read(10)
            kind.put(f"{prefix}/a.bin", b"2" * 101)

            with pytest.raises(StorageError, match="changed while it was read"):
                file.read(10)

    def test_a_file_that_vanishes_meanwhile(self, kind: Kind, prefix: str) -> None:
        """A file that is gone while it is open is an error."""
        kind.put(f"{prefix}/a.bin", b"1" * 100)
        with kind.storage.filesystem().open(f"{prefix}/a.bin", block_size=10, cache_type="none") as file:
            kind.remove(f"{prefix}/a.bin")

            with pytest.raises(StorageError):
                file.read(10)


class TestWriting:
    """Nothing is written unless that was asked for."""

    @pytest.mark.parametrize(
        "write",
        [
            lambda fs, path: fs.pipe_file(path, b"x"),
            lambda fs, path: fs.rm_file(path),
            lambda fs, path: fs.rm(path, recursive=True),
            lambda fs, path: fs.mkdir(f"{path}-new"),
            lambda fs, path: fs.cp_file(path, f"{path}-copy"),
            lambda fs, path: fs.mv(path, f"{path}-moved"),
            lambda fs, path: fs.touch(path),
            lambda fs, path: fs.open(path, "ab"),
        ],
        ids=["pipe", "rm_file", "rm", "mkdir", "cp", "mv", "touch", "append"],
    )
    def test_is_refused_by_default(self, folder: Kind, prefix: str, write: Any) -> None:
        """A file system that was not opened with `write=True` changes nothing."""
        folder.put(f"{prefix}/a.txt", b"kept")

        with pytest.raises(StorageError):
            write(folder.storage.filesystem(), f"{prefix}/a.txt")

        assert {"a.txt": b"kept"} == {
            path.name: path.read_bytes() for path in (folder.place / prefix).iterdir()
        }

    def test_writes_copies_moves_and_deletes(self, kind: Kind, prefix: str) -> None:
        """With `write=True` files come and go."""
        fs = kind.storage.filesystem(write=True)
        fs.pipe_file(f"{prefix}/a.txt", "한글".encode())
        fs.cp_file(f"{prefix}/a.txt", f"{prefix}/b.txt")
        fs.mv(f"{prefix}/b.txt", f"{prefix}/c.txt")
        fs.rm_file(f"{prefix}/a.txt")

        assert {f"{prefix}/c.txt": "한글".encode()} == {path: fs.cat_file(path) for path in fs.find(prefix)}

    def test_leaves_nothing_half_written(self, kind: Kind, prefix: str) -> None:
        """A block that ends with an error leaves no file, under no name."""
        fs = kind.storage.filesystem(write=True)
        kind.put(f"{prefix}/other.txt")

        with pytest.raises(RuntimeError), fs.open(f"{prefix}/a.txt", "wb") as file:
            file.write(b"half")
            raise RuntimeError

        assert [f"{prefix}/other.txt"] == fs.find(prefix)


def test_a_connection_that_was_closed_is_opened_again(ftp: Kind) -> None:
    """Servers close connections that were idle: the next call logs in once more."""
    ftp.put("idle.txt", b"still there")
    fs = ftp.storage.filesystem()
    fs._opened._held[1]._fs.ftp.sock.shutdown(socket.SHUT_RDWR)

    assert b"still there" == fs.cat_file("idle.txt")


class TestFolders:
    """A folder of this machine is not left."""

    @pytest.mark.parametrize("path", ["../secret.txt", "a/../../secret.txt", "/../secret.txt", ".."])
    def test_no_path_leads_up(self, folder: Kind, path: str) -> None:
        """A path with `..` is refused before anything is looked at."""
        (folder.place.parent / "secret.txt").write_text("secret")

        with pytest.raises(StorageError, match="leads up"):
            folder.storage.filesystem().cat_file(path)

    @pytest.mark.parametrize("name", ["link.txt", "inside/secret.txt"])
    def test_no_link_leads_out(self, folder: Kind, prefix: str, tmp_path: Any, name: str) -> None:
        """Neither a link to a file outside nor one to a folder outside is followed."""
        (tmp_path / "secret.txt").write_text("secret")
        (folder.place / prefix).mkdir()
        (folder.place / prefix / "link.txt").symlink_to(tmp_path / "secret.txt")
        (folder.place / prefix / "inside").symlink_to(tmp_path)

        with pytest.raises(StorageError, match="leads out of the storage"):
            folder.storage.filesystem().cat_file(f"{prefix}/{name}")

    def test_a_folder_elsewhere(self, make_storage: Any) -> None:
        """A folder that is not on this machine is told by its path."""
        storage = make_storage("file_system", location="/nowhere/at/all")

        with pytest.raises(StorageNotFoundError):
            storage.filesystem()


def test_is_read_by_pandas(kind: Kind, prefix: str) -> None:
    """Tables are written to a storage and read from it, as any file system of fsspec."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"a": range(100), "place": "서울"})
    frame.to_parquet(f"{prefix}.parquet", filesystem=kind.storage.filesystem(write=True))

    found = pandas.read_parquet(f"{prefix}.parquet", filesystem=kind.storage.filesystem())

    assert frame.equals(found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_is_told(s3: Kind) -> None:
    """An object storage cannot be used in a process that was forked after one was opened: a typed error says so."""
    fs = s3.storage.filesystem()
    fs.ls("")
    read, write = os.pipe()
    if not (child := os.fork()):
        try:
            fs.ls("")
        except StorageError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)

    with os.fdopen(read) as told:
        assert "start workers by" in told.read()


@pytest.mark.parametrize("name", ["a//b.txt", "c/../d.txt", "tab\t.txt"])
def test_a_key_that_no_path_can_name(s3: Kind, prefix: str, name: str) -> None:
    """S3 has such keys, obstore has not: the folder is not listed without them, and the key is told."""
    settings = dict(s3.storage.configuration)
    bucket = f"{settings['endpoint_url']}/{settings['bucket_name']}"
    key = quote(f"{prefix}/{name}", safe="/")
    address = requests.Request("PUT", bucket, data=b"").prepare()
    address.url = f"{bucket}/{key}"  # as it is, since requests would resolve the dots
    requests.Session().send(address, timeout=30).raise_for_status()

    with pytest.raises(StorageError, match="holds a key that no path can name"):
        s3.storage.filesystem().find(prefix)


def test_lists_all_pages(make_storage: Any) -> None:
    """A folder of more keys than one answer holds is listed whole."""
    bucket = Bucket(b"")
    bucket.keys = 2500
    with bucket.served() as address:
        settings = {"bucket_name": "b", "access_key": "KEY-1", "secret_key": "s", "endpoint_url": address}
        found = make_storage("minio", **settings).filesystem().ls("photos", detail=False)

    assert [f"photos/{number:05}" for number in range(2500)] == found
    assert 3 == len(bucket.requests)


class TestUnfinished:
    """What could not be written whole is not there, and what was there stays."""

    def test_text_of_a_block_that_failed(self, kind: Kind, prefix: str) -> None:
        """Text is there when its block ends well, as bytes are."""
        fs = kind.storage.filesystem(write=True)
        with pytest.raises(KeyError), fs.open(f"{prefix}/a.txt", "w", encoding="utf-8") as file:
            file.write("half")
            raise KeyError

        assert not fs.exists(f"{prefix}/a.txt")

    def test_text_of_one_that_did_not(self, kind: Kind, prefix: str) -> None:
        """Text is encoded as it was asked for."""
        fs = kind.storage.filesystem(write=True)
        with fs.open(f"{prefix}/a.txt", "w", encoding="utf-16-le") as file:
            file.write("글")

        assert "글".encode("utf-16-le") == fs.cat_file(f"{prefix}/a.txt")

    @pytest.mark.skipif(os.name == "nt", reason="there are no limits of files")
    def test_a_disk_that_is_full(self, folder: Kind, prefix: str) -> None:
        """A write that failed is a `StorageError`, and closing the file does not keep the half of it."""
        file = folder.storage.filesystem(write=True).open(f"{prefix}/a.bin", "wb")
        with full_disk(), pytest.raises(StorageError, match="cannot be written"):
            file.write(bytes(1 << 20))
        file.close()

        assert [] == list((folder.place / prefix).iterdir())

    @pytest.mark.parametrize("key", ["", "empty"])
    def test_a_folder_is_not_overwritten(self, folder: Kind, prefix: str, key: str) -> None:
        """Writing to a folder is refused, and leaves no hidden file in it."""
        (folder.place / prefix / "empty").mkdir(parents=True)
        before = sorted(folder.place.rglob("*"))
        with pytest.raises(StorageError, match="is a folder"):
            folder.storage.filesystem(write=True).pipe_file(key and f"{prefix}/{key}", b"1")

        assert before == sorted(folder.place.rglob("*"))

    @pytest.mark.parametrize("below", ["a.txt/b", "n" * 300, "nul\0"])
    def test_a_name_that_cannot_be(self, folder: Kind, prefix: str, below: str) -> None:
        """What the disk refuses is a `StorageError`."""
        folder.put(f"{prefix}/a.txt")
        with pytest.raises(StorageError):
            folder.storage.filesystem(write=True).pipe_file(f"{prefix}/{below}", b"1")

    @pytest.mark.skipif(os.name == "nt", reason="links need rights there")
    @pytest.mark.parametrize("target", ["keep.txt", "kept"])
    def test_what_a_link_leads_to_is_not_deleted(self, folder: Kind, prefix: str, target: str) -> None:
        """Deleting a folder deletes the links in it only."""
        folder.put(f"{prefix}/keep.txt")
        folder.put(f"{prefix}/kept/a.txt")
        folder.put(f"{prefix}/doomed/a.txt")
        (folder.place / prefix / "doomed" / "link").symlink_to(folder.place / prefix / target)

        folder.storage.filesystem(write=True).rm(f"{prefix}/doomed", recursive=True)

        assert ["keep.txt", "kept"] == sorted(each.name for each in (folder.place / prefix).iterdir())
        assert (folder.place / prefix / "kept" / "a.txt").exists()
