"""Plugin releases and models: published with their archives, found by key or by code and version."""

from __future__ import annotations

import json
import os

from typing import Any

import pytest
import requests

from tests.sandbox.wire import CHUNK, Wire


@pytest.fixture
def plugin(wire: Wire) -> dict[str, Any]:
    """A plugin whose release is 1.0.0."""
    return wire.plugin()


class TestRelease:
    def test_form_with_archive(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A form's texts are read as what they stand for, and the archive can be downloaded."""
        config = {"code": plugin["code"], "actions": {"train": {"method": "job"}}}
        fields = {
            "plugin": plugin["code"],
            "version": "2.0.0",
            "config": json.dumps(config),
            "debug": "False",
        }
        form = {**fields, "requirements": ["numpy", "torch>=2"]}

        answer = wire.send("POST", "plugin_releases/", data=form, files={"file": ("plugin.zip", CHUNK)})

        release = answer.json()
        assert (201, config, False) == (answer.status_code, release["config"], release["debug"])
        assert (["numpy", "torch>=2"], ["train"]) == (release["requirements"], release["available_actions"])
        assert CHUNK == requests.get(release["file"], timeout=30).content

    @pytest.mark.parametrize("name", ["id", "code"])
    def test_plugin_by_key_or_code(self, wire: Wire, plugin: dict[str, Any], name: str) -> None:
        """A release names its plugin either way."""
        release = wire.create("plugin_releases/", {"plugin": plugin[name], "version": "2.0.0"})

        assert plugin["id"] == release["plugin"]

    def test_takes_every_field(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """What a release is given when it is published is there when it is read."""
        given = {"author": "민아", "meta": {"a": 1}, "run_schema": {"type": "object"}, "is_released": False}

        release = wire.create("plugin_releases/", {"plugin": plugin["code"], "version": "2.0.0", **given})

        assert given == {name: release[name] for name in given}

    def test_form_leaves_the_rest_at_its_default(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A box that a form does not mention is not one that was unchecked."""
        form = {"plugin": plugin["code"], "version": "2.0.0", "changelog": "faster"}

        release = wire.send("POST", "plugin_releases/", data=form, files={"file": ("a.zip", CHUNK)}).json()

        assert (True, "faster") == (release["is_released"], release["readme"])

    def test_duplicate_version_is_refused(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A version exists once, and the refusal says so in the words that clients look for."""
        answer = wire.post("plugin_releases/", {"plugin": plugin["code"], "version": "1.0.0"})

        text = answer.json()["version"][0]
        assert (400, True, True) == (answer.status_code, "already exists" in text, "이미 존재" in text)

    def test_debug_replaces(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """With `debug` the version that exists is changed and keeps its key."""
        known = wire.get(f"plugin_releases/{plugin['code']}@1.0.0/")
        body = {"plugin": plugin["code"], "version": "1.0.0", "debug": True, "config": {"new": 1}}

        assert 200 == wire.post("plugin_releases/", body).status_code
        release = wire.get(f"plugin_releases/{known['id']}/")
        assert (True, {"new": 1}) == (release["debug"], release["config"])

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"plugin": "nobody"}, "plugin"),
            ({"plugin": None}, "plugin"),
            ({"version": ""}, "version"),
            ({"version": "1/2"}, "version"),
            ({"version": "a@b"}, "version"),
            ({"config": "{broken"}, "config"),
            ({"config": [1]}, "config"),
            ({"debug": "perhaps"}, "debug"),
            ({"author": "a" * 201}, "author"),
        ],
    )
    def test_bad_release(
        self, wire: Wire, plugin: dict[str, Any], changes: dict[str, Any], field: str
    ) -> None:
        """What is wrong is refused on its own key."""
        answer = wire.post("plugin_releases/", {"plugin": plugin["code"], "version": "3.0.0"} | changes)

        assert (400, [field]) == (answer.status_code, list(answer.json()))

    def test_plugin_of_another_workspace(self, stranger: Wire, plugin: dict[str, Any]) -> None:
        """Another workspace's plugin gets no release."""
        answer = stranger.post("plugin_releases/", {"plugin": plugin["code"], "version": "2.0.0"})

        assert (400, ["plugin"]) == (answer.status_code, list(answer.json()))


class TestLookup:
    def test_by_code_and_version(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """`code@version` finds a release, the plugin expanded on request."""
        release = wire.get(f"plugin_releases/{plugin['code']}@1.0.0/", params={"expand": "plugin"})

        assert (plugin["code"], "1.0.0") == (release["plugin"]["code"], release["version"])
        assert release == wire.get(f"plugin_releases/{release['id']}/", params={"expand": "plugin"})

    @pytest.mark.parametrize(
        "lookup", ["{code}@9.9.9", "nobody@1.0.0", "{code}", "@", "99999999", "٣", "1" * 30]
    )
    def test_unknown(self, wire: Wire, plugin: dict[str, Any], lookup: str) -> None:
        """What names no release is a 404."""
        assert 404 == wire.send("GET", f"plugin_releases/{lookup.format(**plugin)}/").status_code

    def test_of_another_workspace(self, stranger: Wire, plugin: dict[str, Any]) -> None:
        """Another workspace's release is not there."""
        assert 404 == stranger.send("GET", f"plugin_releases/{plugin['code']}@1.0.0/").status_code


class TestModel:
    def test_archive_from_chunked_upload(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A model's file is that of the completed upload it names."""
        content = os.urandom(5000)
        body = {"name": "검출", "plugin": plugin["code"], "version": "1.0.0", "configuration": {"lr": 0.1}}

        model = wire.create("models/", body | {"chunked_upload": wire.upload(content)["id"]})

        assert ("검출", {"lr": 0.1}) == (model["name"], model["configuration"])
        assert content == requests.get(model["file"], timeout=30).content
        assert model["neural_net"] == wire.get(f"plugin_releases/{plugin['code']}@1.0.0/")["id"]

    def test_takes_every_field(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """What a model is given when it is registered is there when it is read."""
        dataset = wire.create("ground_truth_datasets/", {"name": "Accepted"})["id"]
        given = {"dataset": dataset, "is_released": True, "description": "설명", "category": "tuned"}

        model = wire.create("models/", {"name": "a", "metrics": {"mAP": 0.8}, **given})

        assert given == {name: model[name] for name in given}
        assert {"mAP": 0.8} == wire.get(f"models/{model['id']}/?expand=metrics")["metrics"]

    def test_checkpoint_is_the_parent(self, wire: Wire) -> None:
        """A model that was trained on from another points at it."""
        parent = wire.create("models/", {"name": "a"})

        child = wire.create("models/", {"name": "b", "checkpoint": parent["id"]})

        assert (parent["id"], None) == (child["parent"], child["file"])

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "a" * 201}, "name"),
            ({"plugin": "nobody"}, "plugin"),
            ({"checkpoint": 10**6}, "checkpoint"),
            ({"checkpoint": "x"}, "checkpoint"),
            ({"chunked_upload": "x"}, "chunked_upload"),
            ({"configuration": [1]}, "configuration"),
            ({"category": "a" * 51}, "category"),
            ({"version": "a" * 101}, "version"),
            ({"dataset": 10**6}, "dataset"),
        ],
    )
    def test_bad_model(self, wire: Wire, changes: dict[str, Any], field: str) -> None:
        """What is wrong is refused on its own key."""
        answer = wire.post("models/", {"name": "a"} | changes)

        assert (400, [field]) == (answer.status_code, list(answer.json()))

    def test_unfinished_upload_is_refused(self, wire: Wire) -> None:
        """An upload that is still open makes no model."""
        before = wire.get("models/")["count"]

        answer = wire.post("models/", {"name": "a", "chunked_upload": wire.put_chunk(CHUNK).json()["id"]})

        assert (400, before) == (answer.status_code, wire.get("models/")["count"])
