"""The session that every manager hangs on, and the default one of the process."""

from __future__ import annotations

import inspect
import pickle

import pytest

import synapse

from synapse import ConfigError, Session, Task
from synapse.orm import Manager
from synapse.session import current
from tests.contract.lookup_world import ENTITIES, FIRST

MANAGERS = [name for name, value in vars(Session).items() if isinstance(value, property)]
COUNTED = [cls._schema.resource for cls in FIRST]


@pytest.fixture
def no_default():
    """Leave no default session behind."""
    yield
    synapse.disconnect()


class TestManagers:
    @pytest.mark.parametrize("name", MANAGERS)
    def test_hang_on_the_session(self, session, stranger, name):
        """Each manager goes through its own session, whichever is current."""
        manager = getattr(stranger, name)

        assert (True, stranger) == (isinstance(manager, Manager), manager.session)
        assert type(manager) is type(manager.entity.objects)
        with stranger.trace() as calls:
            if name in COUNTED:
                manager.count()
        assert (name in COUNTED) == len(calls)

    def test_are_there_for_every_entity(self, session):
        """No entity is left out; each goes by its plural name."""
        found = {getattr(session, name).entity: name for name in MANAGERS}

        assert set(ENTITIES) == set(found)
        assert all(found[cls] == cls._schema.resource for cls in ENTITIES)

    def test_are_documented(self):
        """Each says whose manager it is."""
        assert all(inspect.getdoc(getattr(Session, name)) for name in MANAGERS)


class TestDefault:
    def test_connect_makes_it(self, box, no_default):
        """After `connect()` every query of the process goes through that session."""
        made = synapse.connect(box.url, api_token=box.api_token)

        assert made is current() is Task.objects.session
        assert isinstance(Task.objects.count(), int)

    def test_what_comes_through_it_is_pickled(self, box, no_default):
        """With its tenant, which is no secret."""
        made = synapse.connect(box.url, api_token=box.api_token, tenant=box.tenant)

        assert pickle.loads(pickle.dumps(Task.objects.all())).count() == Task.objects.count()
        assert (str, box.tenant) == (type(made.settings.tenant), made.settings.tenant)

    def test_disconnect_closes_it(self, box, no_default):
        """After `disconnect()` there is none, and the old one is closed; doing it twice is harmless."""
        made = synapse.connect(box.url, api_token=box.api_token)

        synapse.disconnect()
        synapse.disconnect()

        assert made.closed
        with pytest.raises(ConfigError, match="synapse.connect"):
            Task.objects.count()

    def test_objects_keep_the_session_that_they_came_through(self, box, session, make, no_default):
        """A later default does not take an object over."""
        task = Task.objects.get(make.task().pk)
        synapse.connect(box.url, api_token=box.tenants["stranger"].api_token)
        task.is_discarded = True

        with session.trace() as calls:
            task.save()

        assert 1 == len(calls)

    def test_another_workspace_does_not_see_it(self, session, stranger, make):
        """A row of another workspace does not exist."""
        task = make.task()

        with pytest.raises(Task.DoesNotExist):
            Task.objects.using(stranger).get(task.pk)
