"""What reading means against a real backend."""

from __future__ import annotations

from synapse import Task
from synapse.testing import assert_requests
from tests.contract.factory import Factory


class TestIteration:
    def test_goes_on_to_the_second_page(self, session, make: Factory):
        """A result longer than a page is read whole, in order."""
        rows = make.tasks(120)

        with assert_requests(2):
            found = [task.id for task in Task.objects.filter(project=rows[0].project_id).order_by("id")]

        assert [row.pk for row in rows] == found
