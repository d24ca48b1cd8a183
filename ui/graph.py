"""The graph on a page: vis-network on a canvas, whose clicks come back to Python.

The script is half a megabyte, so it is a component of its own: its message never changes and the browser keeps it,
while the graph's own message carries features and links only. Both are registered once, when this module is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.views.graph import ASSETS, Picture, graph_script, vis_network_script

ANNOUNCE = "\nglobalThis.dispatchEvent(new Event('strata-vis'));\nexport default function () {}\n"
MOUNT = """
export default function ({ data: [data], parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".strata-graph");
  const draw = () => strataGraph(root, data, (event) => setTriggerValue("click", event));
  if (globalThis.vis) draw();
  else globalThis.addEventListener("strata-vis", draw, { once: true });
  return () => root.strata && root.strata.destroy();
}
"""

_script = st.components.v2.component(
    "strata_vis_network", js="// vis-network, from pyvis\n" + vis_network_script() + ANNOUNCE
)
_canvas = st.components.v2.component(
    "strata_graph",
    html=(ASSETS / "graph.html").read_text("utf-8"),
    css=(ASSETS / "graph.css").read_text("utf-8"),
    js=graph_script() + MOUNT,
)


def graph(
    drawn: Picture,
    key: str,
    on_click: Callable[[Mapping[str, Any]], None],
    *,
    view: str,
    selected: str = "",
    link: str = "",
    height: int = 480,
) -> None:
    """Show a picture; `on_click` receives ``{"kind": "node" | "link" | "expand", "node" | "link": id}``.

    The reader's zoom and place are kept as long as `view` stays the same. `selected` and `link` name the feature and
    the link that are marked. `on_click` runs before the page does, as a widget's callback.
    """

    def clicked() -> None:
        event = st.session_state[key].get("click")
        if isinstance(event, Mapping):
            on_click(event)

    with st.container(key=f"{key}-script", height="content"):
        _script(key=f"{key}-vis")
    data = drawn.as_json() | {"view": view, "height": height, "selected": {"node": selected, "edge": link}}
    # In a list: Streamlit looks through a mapping for data frames, and imports pandas to do so before the first paint.
    _canvas(key=key, data=[data], on_click_change=clicked)


def height_of(drawn: Picture) -> int:
    """Pixels in which all features of every column can be read where the graph has the page's whole width.

    >>> height_of(Picture([{"y": -100.0}, {"y": 100.0}], [], [], {}, {})), height_of(Picture([], [], [], {}, {}))
    (378, 300)
    """
    heights = [node["y"] for node in drawn.nodes]
    return int(min(720, max(300, 1.15 * (max(heights, default=0) - min(heights, default=0) + 56) + 84)))
