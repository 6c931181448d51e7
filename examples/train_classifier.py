"""Train a small classifier of scikit-learn on digits, straight from a query: `python examples/train_classifier.py`."""

from __future__ import annotations

import io

from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import synapse

from synapse import DataCollection, FileCache, FileSpecification, Project, Task

synapse.connect()
digits = load_digits()
Path("digits").mkdir(exist_ok=True)
for number in range(60):  # pictures of 8 × 8 points, named by what they show
    picture = Image.fromarray((digits.images[number] * 15).astype("uint8"))
    picture.save(f"digits/{number}-{digits.target[number]}.png")

image = FileSpecification(
    name="image_1", file_type="image", is_primary=True, is_required=True, function_type="main"
)
collection = DataCollection.objects.create(name="Digits", category="image", file_specifications=[image])
project = Project.objects.create(title="Digits", category="image", data_collection=collection)
collection.upload(sorted(Path("digits").glob("*.png")), project=project)

cache, pictures, answers = FileCache("cache"), [], []
for task in Task.objects.filter(project=project).iterator():
    file = task.files["image_1"]
    pictures.append(list(Image.open(io.BytesIO(file.read(cache=cache))).tobytes()))
    answers.append(int(Path(file.name).stem.partition("-")[2]))

model = LogisticRegression(max_iter=1000).fit(pictures[:45], answers[:45])
print(f"{len(pictures)} pictures, {model.score(pictures[45:], answers[45:]):.0%} of 15 told right")
