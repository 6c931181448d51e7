"""Names of the API in the text of pages: they lead to their description, and one that is not there fails the build."""

from __future__ import annotations

import importlib
import re

from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

NAME: Final = re.compile(r"(synapse(?:\.\w+)+)(?:\(.*\))?", re.DOTALL)
HISTORY: Final = ("changelog",)
"""Pages that name what is gone."""

logger = logging.getLogger(__name__)


class LinkNames(SphinxPostTransform):
    """Link code such as `synapse.connect()` to its description."""

    default_priority = 20

    def run(self, **kwargs: Any) -> None:
        """Link each name that has a description, and tell of each that is not there."""
        if self.env.docname in HISTORY:
            return
        objects = self.env.domains.python_domain.objects
        for node in list(self.document.findall(nodes.literal)):
            found = NAME.fullmatch(node.astext())
            if not found or isinstance(node.parent, nodes.reference):
                continue
            name = found.group(1)
            if name in objects:
                entry = objects[name]
                link = make_refnode(
                    self.app.builder, self.env.docname, entry.docname, entry.node_id, node.deepcopy(), name
                )
                node.replace_self(link)
            elif not is_there(name):
                logger.warning("the package has no %s", name, location=node, type="ref", subtype="api")


def is_there(name: str) -> bool:
    """Tell whether a dotted name leads to something."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform."""
    app.add_post_transform(LinkNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
