"""Have files registered that lie in the storage, until the backend has said of each what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from synapse.dialects import v1_actions as actions
from synapse.dialects import v1_storage as wire
from synapse.dialects.v1_storage import Lodged, Verdict
from synapse.errors import (
    AuthenticationError,
    ClientError,
    ServerError,
    SynapseError,
    WriteUnconfirmedError,
)
from synapse.session import Session
from synapse.transfer.answers import answered_object


def confirmed(session: Session, files: Sequence[Lodged]) -> dict[str, Verdict | Exception]:
    """Tell the backend what has arrived, until it has said of every file what became of it."""
    said: dict[str, Verdict | Exception] = {}
    pending, unclear = list(files), False
    for number in range(session.settings.retry.total + 1):
        if not pending:
            break
        if unclear:
            session.pause(session.settings.retry.wait(number))
        said.update(_asked(session, pending))
        refused = [file for file in pending if _is_refused(said.get(file.place.key))]
        pending = [file for file in pending if file.place.key not in said]
        unclear = unclear or bool(pending)
        if unclear:
            # What was registered before may be refused now, as parts are put together only once.
            held = _held(session, [*pending, *refused])
            said.update({file.place.key: Verdict() for file in [*pending, *refused] if file.sha1 in held})
            pending = [file for file in pending if file.sha1 not in held]
    lost = WriteUnconfirmedError(
        "the files are in the storage, but no answer says that they are registered: send them again, nothing is doubled"
    )
    return {**dict.fromkeys((file.place.key for file in pending), lost), **said}


def _asked(session: Session, files: list[Lodged]) -> dict[str, Verdict | Exception]:
    """Confirm once; files without a verdict are left out."""
    try:
        return dict(wire.verdicts(session.send(wire.confirm(files)).data))
    except (ServerError, WriteUnconfirmedError):
        return {}
    except ClientError as error:
        if isinstance(error, AuthenticationError):
            return {file.place.key: error for file in files}
        return {file.place.key: Verdict(error=str(error)) for file in files}
    except SynapseError as error:
        return {file.place.key: error for file in files}


def _is_refused(said: Verdict | Exception | None) -> bool:
    return isinstance(said, Verdict) and said.error is not None


def _held(session: Session, files: Sequence[Lodged]) -> set[str]:
    request = actions.verify_checksums([file.sha1 for file in files])
    try:
        held = answered_object(session.send(request), request).get("existing_checksums")
    except SynapseError:
        return set()
    return {each for each in held if isinstance(each, str)} if isinstance(held, list) else set()
