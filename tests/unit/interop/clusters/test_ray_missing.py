"""Ray where it is not installed."""

from __future__ import annotations

import sys

import pytest

from synapse import ConfigError, Task
from synapse.testing import assert_requests, canned


def test_is_named_before_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Ray, the error names the extra, and nothing is sent."""
    for name in [each for each in sys.modules if each.partition(".")[0] == "ray"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "synapse.interop.ray", raising=False)
    query = Task.objects.using(canned({}))

    with assert_requests(0, session=query.session), pytest.raises(ConfigError, match=r"synapse-orm\[ray\]"):
        query.to_ray()
