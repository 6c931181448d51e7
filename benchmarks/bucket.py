"""A bucket whose one object is all zeros, as fast as a socket takes them. Standard library only.

`python bucket.py MIB` prints its address and ends with its standard input.
"""

from __future__ import annotations

import re
import socket
import sys
import threading

from typing import Final

_BLOCK: Final = memoryview(bytes(1 << 20))
_RANGE: Final = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)", re.IGNORECASE)


def main() -> None:
    """Listen until standard input ends."""
    size = int(sys.argv[1]) << 20
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=_accept, args=(listener, size), daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


def _accept(listener: socket.socket, size: int) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection, size), daemon=True).start()


def _serve(connection: socket.socket, size: int) -> None:
    with connection:
        waiting = b""
        while True:
            while b"\r\n\r\n" not in waiting:
                received = connection.recv(65536)
                if not received:
                    return
                waiting += received
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            try:
                _answer(connection, head, size)
            except OSError:
                return


def _answer(connection: socket.socket, head: bytes, size: int) -> None:
    found = _RANGE.search(head)
    first, last = (int(found[1]), min(int(found[2] or size), size - 1)) if found else (0, size - 1)
    status = f"206 Partial Content\r\nContent-Range: bytes {first}-{last}/{size}" if found else "200 OK"
    fields = (
        f'ETag: "zeros"\r\nLast-Modified: Mon, 30 Nov 2026 12:00:00 GMT\r\nContent-Length: {last - first + 1}'
    )
    connection.sendall(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode())
    left = 0 if head.startswith(b"HEAD") else last - first + 1
    while left:
        left -= connection.send(_BLOCK[: min(left, len(_BLOCK))])


if __name__ == "__main__":
    main()
