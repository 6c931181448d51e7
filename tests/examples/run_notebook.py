"""Run a notebook and print it with its outputs; needs nbclient and ipykernel."""

from __future__ import annotations

import sys

import nbformat

from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
print(nbformat.writes(notebook))
