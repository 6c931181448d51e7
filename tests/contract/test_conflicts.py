"""Two people at one object: with `save(check=True)` neither undoes what the other did."""

from __future__ import annotations

import pytest

from synapse import ConflictError, Plugin, Project, Storage, Task
from tests.contract.conftest import connected


@pytest.fixture
def other(box):
    """A session of somebody else in the same workspace."""
    made = connected(box, "contract")
    yield made
    made.close()


class TestCheckedSave:
    @pytest.mark.every_api(full=True)
    def test_refuses_to_undo_a_change(self, session, other, make):
        """The backend keeps what was written first."""
        key = make.task(meta={"a": 1}).pk
        mine, theirs = Task.objects.get(key), Task.objects.using(other).get(key)
        theirs.meta["a"] = 2
        theirs.save(check=True)
        mine.meta["a"] = 3

        with pytest.raises(ConflictError, match="meta was dict") as caught:
            mine.save(check=True)
        assert {"a": 2} == caught.value.conflicts["meta"].theirs == Task.objects.get(key).meta

    @pytest.mark.every_api(full=True)
    def test_leaves_other_fields_to_others(self, session, other, make):
        """Changes of different fields go together."""
        key = make.project().pk
        mine, theirs = Project.objects.get(key), Project.objects.using(other).get(key)
        theirs.title = "theirs"
        theirs.save(check=True)
        mine.description = "mine"
        mine.save(check=True)

        assert ("theirs", "mine") == (mine.title, mine.description)

    @pytest.mark.every_api(full=True, but=["v2"])
    def test_reads_what_a_row_does_not_carry(self, session, make):
        """The annotation of a row that was listed without it is held against the backend's."""
        key = make.task(data={"a": 1}).pk
        task = Task.objects.only("meta").get(key)
        task.data["b"] = 1
        task.save(check=True)

        assert {"a": 1, "b": 1} == Task.objects.get(key).data

    def test_goes_by_the_whole_row_of_what_is_put(self, session, other, make):
        """A plugin, which is changed by PUT, is checked as well."""
        key = make.plugin().pk
        mine, theirs = Plugin.objects.get(key), Plugin.objects.using(other).get(key)
        theirs.name = "theirs"
        theirs.save()
        mine.name = "mine"

        with pytest.raises(ConflictError):
            mine.save(check=True)
        assert "theirs" == Plugin.objects.get(key).name

    def test_finds_secrets_changed_without_showing_them(self, session, other):
        """The settings of a storage are compared, and told by their name only."""
        made = Storage.objects.create(name="s", provider="gcp", configuration={"bucket_name": "a"})
        mine, theirs = Storage.objects.get(made.id), Storage.objects.using(other).get(made.id)
        mine.configuration["bucket_name"] = "mine"
        theirs.configuration = {"bucket_name": "elsewhere"}
        theirs.save()

        with pytest.raises(ConflictError, match=r"configuration \(a secret\)") as caught:
            mine.save(check=True)
        assert "elsewhere" not in f"{caught.value} {vars(caught.value)}"

    @pytest.mark.every_api(full=True)
    def test_goes_on_after_a_merge(self, session, other, make):
        """What refresh() loads is what the next save is held against."""
        key = make.task(meta={}).pk
        mine, theirs = Task.objects.get(key), Task.objects.using(other).get(key)
        theirs.meta["theirs"] = 1
        theirs.save()
        mine.meta["mine"] = 1
        with pytest.raises(ConflictError) as caught:
            mine.save(check=True)
        mine.refresh().meta |= caught.value.conflicts["meta"].mine
        mine.save(check=True)

        assert {"theirs": 1, "mine": 1} == Task.objects.get(key).meta
