"""Connect, and see what the workspace holds."""

from __future__ import annotations

from synapse import Agent, DataCollection, Plugin, Project

# Without synapse.connect(...), the host and the token come from the environment.
for project in Project.objects.order_by("-created"):
    collection = project.data_collection
    source = f"the collection {collection.name!r}" if collection else "no collection"
    print(f"{project.title}: {project.tasks.count()} tasks on {source}")

for collection in DataCollection.objects.all():
    names = [specification.name for specification in collection.file_specifications]
    print(f"{collection.name}: {collection.units.count()} units of {', '.join(names)}")

for plugin in Plugin.objects.all():
    print(f"{plugin.code}: {', '.join(release.version for release in plugin.releases)}")

for agent in Agent.objects.all():
    print(f"{agent.name} is {'connected' if agent.is_connected else 'not connected'}")
