"""Accept the annotations of a project as ground truth, freeze them as a version, and read that back."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from synapse import GroundTruth, GroundTruthDataset, Project, Split

project = Project.objects.first()
assert project is not None
annotated = [task for task in project.tasks.order_by("id") if task.data]

dataset = GroundTruthDataset.objects.create(name=f"{project.title}, accepted", project=project)
GroundTruth.objects.bulk_create(
    GroundTruth(
        ground_truth_dataset_id=dataset.id,
        data_unit_id=task.data_unit_id,
        data=task.data,
        category=Split.TEST if number % 3 == 0 else Split.TRAIN,
    )
    for number, task in enumerate(annotated)
)
version = dataset.freeze("1.0", description="the first that counts")
print(version.version, "holds", version.events.count(), "of", len(annotated), "annotations")

# What is changed later does not change the version.
dataset.ground_truths[0].delete()
print(dataset.ground_truths.count(), "left in the dataset,", version.events.count(), "in the version")

with TemporaryDirectory() as folder:
    for event in version.events.filter(category=Split.TEST):
        if event.files:
            path = event.files["image_1"].download(folder)
            print(path.name, path.stat().st_size, "bytes")
