"""Items that come from a generator: taken as they are, and accounted for when a run breaks off."""

from __future__ import annotations

import os

from typing import Any

import pytest

from synapse import BulkError, DataCollection, FileSpecification, Session
from synapse.uploads.presigned import send_presigned

PICTURE = FileSpecification(name="image_1", file_type="image", is_primary=True, is_required=True)


@pytest.fixture
def collection(session):
    """A collection of pictures."""
    return DataCollection.objects.create(name="iterated", category="image", file_specifications=[PICTURE])


@pytest.fixture
def photos(tmp_path):
    """Pictures of content that no other test has."""
    for number in range(60):
        (tmp_path / f"{number:02}.png").write_bytes(os.urandom(100))
    return sorted(tmp_path.glob("*.png"))


def test_dicts_may_be_used_again(collection, photos):
    """An item is what it was when it was taken, whatever becomes of its dicts."""
    item: dict[str, dict[str, Any]] = {"files": {}, "meta": {"inside": {}}}

    def items():
        for number, photo in enumerate(photos):
            item["files"]["image_1"], item["meta"]["n"] = photo, number
            item["meta"]["inside"]["n"] = number
            yield item

    report = collection.upload(items())

    assert (60, list(range(60))) == (len(report.created), [outcome.item["meta"]["n"] for outcome in report])
    assert [(n, {"n": n}) for n in range(60)] == sorted(
        (unit.meta["n"], unit.meta["inside"]) for unit in collection.units
    )


@pytest.mark.parametrize("presigned", [None, False])
@pytest.mark.parametrize("when", [0, 5, 30])
def test_that_close_the_session_leave_the_rest_untried(session, collection, photos, presigned, when):
    """What was not sent by then has not failed, and every item is accounted for."""
    own = Session(session.host, api_token=session.settings.api_token)
    target = DataCollection.objects.using(own).get(collection.id)

    def items():
        for number, photo in enumerate(photos):
            if number == when:
                own.close()
            yield photo

    given = items()
    with pytest.raises(BulkError, match="this session is closed") as caught:
        target.upload(given, batch_size=5, workers=2, presigned=presigned)

    error = caught.value
    assert len(error.succeeded) + len(error.failed) <= when
    named = {*(item for item, _ in error.failed), *error.untried, *given}
    assert 60 == len(error.succeeded) + len(named)


def test_a_session_that_is_closed_before_a_batch_is_sent_ends_the_run(
    session, collection, photos, monkeypatch
):
    """A batch that cannot go on its way any more is untried, not a bare error."""
    own = Session(session.host, api_token=session.settings.api_token)
    target = DataCollection.objects.using(own).get(collection.id)
    photos[0].write_bytes(b"")  # no storage takes it, so it goes directly

    def late(*arguments: Any, **options: Any) -> Any:
        own.close()
        return send_presigned(*arguments, **options)

    monkeypatch.setattr("synapse.uploads.sender.send_presigned", late)
    with pytest.raises(
        BulkError, match="were not tried, since the run ended: this session is closed"
    ) as caught:
        target.upload(photos[:1], check_content=False)

    assert (photos[:1], []) == (caught.value.untried, caught.value.failed)
