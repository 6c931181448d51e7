"""What can go wrong, and how it is told: one tree of errors, each with what a program needs."""

from __future__ import annotations

import synapse

from synapse import DataFile, Project, Session, Task

session = synapse.connect()

try:
    Task.objects.get(999_999)
except Task.DoesNotExist as error:
    print("not there:", error.status_code, error)

try:
    Project.objects.create(title="", category="image")
except synapse.ValidationError as error:
    print("refused:", error.errors)

try:
    Task.objects.filter(status_label="complete")
except synapse.QueryError as error:
    print("nothing sent:", error)

try:
    DataFile.objects.upload("no such picture.png")
except synapse.TransferError as error:
    print("no file:", error)

try:
    Session(session.host, api_token="syn_" + "0" * 40).tasks.count()
except synapse.AuthenticationError as error:
    print("who are you:", error.status_code)

try:
    Session("http://127.0.0.1:9", api_token="syn_x", retry=synapse.Retry(total=0)).tasks.count()
except synapse.TransportError as error:
    print("nobody there:", error)
