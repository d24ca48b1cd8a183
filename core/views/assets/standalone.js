
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const said = document.getElementById("said");
  const view = strataGraph(document.querySelector(".strata-graph"), data, (event) => {
    if (event.kind === "expand") return;
    const node = data.nodes.find((each) => each.id === event.node);
    said.textContent = node ? node.label.replace("\n", "   ") : event.link.replace(",", " → ");
    view.select(event.kind === "node" ? { node: event.node } : { edge: event.link });
  });
})();
