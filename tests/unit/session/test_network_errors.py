"""Exceptions of the HTTP stack, told apart by type."""

from __future__ import annotations

import ssl

import pytest
import requests.exceptions

from urllib3 import exceptions as urllib3
from urllib3.connection import HTTPConnection

from synapse.session.network_errors import Failure, failure_of


def failure(error: Exception, *, status: int | None = None) -> Failure:
    """Classify with the usual limits."""
    return failure_of(error, connect=5, read=30, status=status)


class TestFailureOf:
    @pytest.mark.parametrize(
        "error",
        [
            requests.exceptions.InvalidURL("x"),
            requests.exceptions.InvalidHeader("x"),
            UnicodeError("x"),
            urllib3.LocationParseError("x"),
        ],
    )
    def test_knows_what_was_never_built(self, error: Exception) -> None:
        """What could not be built was not sent, and will not go better next time."""
        assert (False, False) == (failure(error).acted, failure(error).passing)

    @pytest.mark.parametrize(
        "error",
        [
            urllib3.SSLError(ssl.SSLError("x")),
            requests.exceptions.SSLError(urllib3.SSLError("x")),
            requests.exceptions.ConnectionError(urllib3.ProtocolError("x", ConnectionResetError(104, "x"))),
            requests.exceptions.ConnectionError("no inner reason"),
            urllib3.MaxRetryError(None, "/", None),  # type: ignore[arg-type]
            ConnectionAbortedError(),
            TimeoutError(),
        ],
    )
    def test_doubts_everything_else(self, error: Exception) -> None:
        """Any other failure may have come after the backend acted, and may pass."""
        assert (True, True) == (failure(error).acted, failure(error).passing)

    def test_doubts_whatever_comes_after_a_status(self) -> None:
        """Once there was a status the backend has acted, whatever went wrong then."""
        assert failure(ValueError(), status=201).acted

    def test_names_the_system_error(self) -> None:
        """The reason is the system's own, never the text of an exception with an address in it."""
        error = requests.exceptions.ConnectionError(
            urllib3.ProtocolError("/secret", ConnectionResetError(104, "x"))
        )

        assert "the connection was lost: connection reset by peer" == failure(error).reason

    @pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1:9"), ("::1", "[::1]:9")])
    def test_names_the_place_without_a_listener(self, host: str, shown: str) -> None:
        """Where nobody listens, the reason has the host and the port that were tried."""
        error = urllib3.NewConnectionError(HTTPConnection(host, 9), "x")

        assert f"no connection to {shown}" == failure(error).reason

    def test_survives_a_circle_of_causes(self) -> None:
        """Causes that lead in a circle end the search."""
        first, second = OSError(), OSError()
        first.__context__, second.__context__ = second, first

        assert second is failure(first).cause
