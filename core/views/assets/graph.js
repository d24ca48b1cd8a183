/* The evolution graph on a canvas: vis-network with preset positions, and cards of our own for features.
   Used by the page's component and by the standalone export. Labels reach the canvas and `textContent` only. */

const STRATA_OPTIONS = {
  physics: false,
  layout: { randomSeed: 1, improvedLayout: false },
  edges: { smooth: { enabled: true, type: "cubicBezier", forceDirection: "horizontal", roundness: 0.55 } },
};

function strataGraph(root, data, emit) {
  const view = root.strata || (root.strata = strataMount(root));
  view.emit = emit;
  view.update(data);
  return view;
}

/* The page's own colours where they are known, so that the canvas follows its theme. */
function strataTheme(root, theme = {}) {
  const style = getComputedStyle(root);
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    paper: read("--st-background-color", theme.paper), text: read("--st-text-color", theme.text),
    quiet: theme.quiet, edge: theme.edge, accent: theme.accent, font: style.fontFamily || "sans-serif",
  };
}

function strataMount(root) {
  const stage = root.querySelector(".stage");
  const nodes = new vis.DataSet();
  const edges = new vis.DataSet();
  const view = { data: null, cards: new Map(), emit: () => {}, theme: strataTheme(root), touched: false, network: null,
    stretch: { x: 1, y: 1 }, largest: STRATA_NAME };
  const coarse = window.matchMedia("(pointer: coarse)").matches;
  const network = (view.network = new vis.Network(stage, { nodes, edges }, {
    ...STRATA_OPTIONS,
    interaction: {
      hover: true, dragNodes: false, selectConnectedEdges: false, hoverConnectedEdges: false,
      zoomView: coarse, keyboard: false,
    },
  }));

  // ---- what Python sends

  view.update = (data) => {
    const fresh = !view.data || view.data.view !== data.view;
    const grown = view.data && view.data.nodes.length !== data.nodes.length;
    view.data = data;
    view.cards = new Map(data.nodes.map((node) => [node.id, node]));
    view.theme = strataTheme(root, data.theme);
    if (data.height) root.style.setProperty("--height", `${data.height}px`);
    root.setAttribute("aria-label", data.summary || "");
    view.place();
    strataSync(edges, data.edges.map((edge) => strataEdge(edge, view.theme)));
    view.select(data.selected);
    if (fresh) view.touched = false;
    if (fresh || (grown && !view.touched)) requestAnimationFrame(() => view.fit(!fresh));
    network.redraw();
  };
  view.at = (node) => ({ x: node.x * view.stretch.x, y: node.y * view.stretch.y });
  view.place = () => strataSync(nodes, view.data.nodes.map((node) => strataNode(node, view)));
  view.select = (selected) => {
    view.selected = selected;
    const known = (set, id) => (id && set.get(id) ? [id] : []);
    network.setSelection(
      { nodes: known(nodes, selected.node), edges: known(edges, selected.edge) }, { highlightEdges: false });
  };
  view.fit = (animated, least = 0.62) => {
    if (!view.data || !stage.clientWidth) return;
    const { stretch, position, scale } = strataFrame(view.data, stage.clientWidth, stage.clientHeight, least);
    view.largest = strataType(scale).size;
    if (stretch.x !== view.stretch.x || stretch.y !== view.stretch.y) {
      view.stretch = stretch;
      view.place();
    }
    network.moveTo({ position, scale, animation: animated ? { duration: 250, easingFunction: "easeInOutQuad" } : false });
  };
  view.zoom = (factor) => {
    view.touched = true;
    const scale = Math.min(3, Math.max(0.15, network.getScale() * factor));
    network.moveTo({ scale, animation: { duration: 120, easingFunction: "easeOutQuad" } });
  };

  view.destroy = () => {
    view.resize.disconnect();
    clearTimeout(view.later);
    network.destroy();
    delete root.strata;
  };

  strataListen(root, stage, view);
  return view;
}

/* What changed, and nothing else, so that the canvas does not flicker. */
function strataSync(set, items) {
  const wanted = new Set(items.map((item) => item.id));
  set.remove(set.getIds().filter((id) => !wanted.has(id)));
  set.update(items);
}

/* vis-network keeps the renderer that a node came with: it has to look up what the card is now, its colour above all. */
function strataNode(node, view) {
  return {
    id: node.id, ...view.at(node), label: node.label, shape: "custom", fixed: true,
    ctxRenderer: ({ ctx, id, x, y, state }) => strataCard(ctx, view.cards.get(id) || node, x, y, state, view),
  };
}

function strataEdge(edge, theme) {
  return {
    id: edge.id, from: edge.from, to: edge.to, width: edge.width, dashes: edge.dashes || false,
    selectionWidth: 0, hoverWidth: 0,
    color: { color: theme.edge, hover: theme.quiet, highlight: theme.accent, opacity: 1 },
    arrows: { to: { enabled: true, scaleFactor: Math.max(0.28, 0.5 - edge.width * 0.04), type: "arrow" } },
  };
}

/* Site headings stay at the top while the graph moves under them; they are part of the picture. */
function strataHeadings(ctx, view, network, width, factor) {
  const { data, theme } = view;
  const scale = network.getScale() / factor;
  const left = network.DOMtoCanvas({ x: 0, y: 0 }), right = network.DOMtoCanvas({ x: width, y: 30 * factor });
  ctx.save();
  ctx.globalAlpha = 0.96;
  ctx.fillStyle = theme.paper;
  ctx.fillRect(left.x, left.y, right.x - left.x, right.y - left.y);
  ctx.globalAlpha = 1;
  ctx.fillStyle = theme.quiet;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.font = `${12.5 / scale}px ${theme.font}`;
  for (const column of data.columns) ctx.fillText(column.text, column.x * view.stretch.x, (left.y + right.y) / 2);
  ctx.restore();
}

/* Where features lie beyond an edge of the stage, that edge fades: there is more to drag into view. */
function strataFade(stage, view) {
  const { data, network } = view, scale = network.getScale(), type = strataType(scale, view.largest);
  const beyond = { left: 0, right: 0, bottom: 0 };
  for (const node of data.nodes) {
    const { x, y } = network.canvasToDOM(view.at(node)), half = (scale * strataWide(node.label, type)) / 2;
    beyond.left = Math.max(beyond.left, half - x);
    beyond.right = Math.max(beyond.right, x + half - stage.clientWidth);
    beyond.bottom = Math.max(beyond.bottom, y + 25 * scale - stage.clientHeight);
  }
  for (const [side, hidden] of Object.entries(beyond)) stage.style.setProperty(`--${side}`, hidden > 4 ? "36px" : "0px");
}

/* The measure of the link under the pointer. */
function strataTold(ctx, view) {
  const edge = view.hovered && view.data.edges.find((each) => each.id === view.hovered);
  if (!edge || !edge.told) return;
  const [a, b] = [edge.from, edge.to].map((id) => view.network.getPosition(id));
  const x = (a.x + b.x) / 2, y = (a.y + b.y) / 2;
  ctx.save();
  ctx.font = `600 12px ${view.theme.font}`;
  const wide = ctx.measureText(edge.told).width + 12;
  ctx.beginPath();
  ctx.roundRect(x - wide / 2, y - 10, wide, 20, 6);
  ctx.fillStyle = view.theme.paper;
  ctx.strokeStyle = view.theme.quiet;
  ctx.lineWidth = 1;
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = view.theme.text;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(edge.told, x, y + 0.5);
  ctx.restore();
}

function strataListen(root, stage, view) {
  const { network } = view;
  network.on("click", ({ nodes: [node], edges: [edge] }) => {
    if (node === undefined && edge === undefined) return view.select(view.selected);
    view.select({ ...view.selected, ...(node !== undefined ? { node } : { edge }) });
    view.emit(node !== undefined ? { kind: "node", node } : { kind: "link", link: edge });
  });
  network.on("doubleClick", ({ nodes: [node] }) => node !== undefined && view.emit({ kind: "expand", node }));
  for (const kind of ["Node", "Edge"]) {
    network.on(`hover${kind}`, () => (stage.style.cursor = "pointer"));
    network.on(`blur${kind}`, () => (stage.style.cursor = ""));
  }
  network.on("hoverEdge", ({ edge }) => { view.hovered = edge; network.redraw(); });
  network.on("blurEdge", () => { view.hovered = null; network.redraw(); });
  network.on("dragEnd", () => (view.touched = true));
  network.on("afterDrawing", (ctx) => {
    if (!view.data) return;
    strataHeadings(ctx, view, network, stage.clientWidth, 1);
    strataTold(ctx, view);
    strataFade(stage, view);
    if (root.dataset.drawn !== String(view.data.nodes.length)) root.dataset.drawn = view.data.nodes.length;
    clearTimeout(view.later);
    view.later = setTimeout(() => strataPublish(root, view), 60);
  });
  view.resize = new ResizeObserver(() => requestAnimationFrame(() => view.touched || view.fit(false)));
  view.resize.observe(stage);
  stage.addEventListener("wheel", (event) => {  // a plain wheel scrolls the page
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    view.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  }, { passive: false, capture: true });
  root.addEventListener("keydown", (event) => strataKey(event, view));
  const tools = { in: () => view.zoom(1.25), out: () => view.zoom(0.8), png: () => strataPng(stage, view) };
  tools.fit = () => { view.touched = false; view.fit(true, 0.1); };  // all of it, however small
  for (const button of root.querySelectorAll("[data-tool]")) button.onclick = tools[button.dataset.tool];
}

/* Arrow keys walk from feature to feature, Enter expands: the canvas needs no mouse. */
function strataKey(event, view) {
  const { data, selected } = view;
  const here = data.nodes.find((node) => node.id === (selected.node || data.centre));
  if (!here || event.target.closest("button")) return;
  const column = data.nodes.filter((node) => node.x === here.x).sort((a, b) => a.y - b.y);
  const at = column.findIndex((node) => node.id === here.id);
  const strongest = (near, far) => {
    const links = data.edges.filter((edge) => edge[near] === here.id).sort((a, b) => b.width - a.width);
    return links.length && data.nodes.find((node) => node.id === links[0][far]);
  };
  const moves = {
    ArrowUp: () => column[at - 1], ArrowDown: () => column[at + 1],
    ArrowLeft: () => strongest("to", "from"), ArrowRight: () => strongest("from", "to"),
  };
  if (event.key === "Enter") return view.emit({ kind: "expand", node: here.id });
  const there = moves[event.key] && moves[event.key]();
  if (moves[event.key]) event.preventDefault();
  if (!there) return;
  view.select({ ...selected, node: there.id });
  view.emit({ kind: "node", node: there.id });
}

/* Pixels of all features and links, relative to the stage, and of the names on cards: for tests and assistive tools. */
function strataPublish(root, view) {
  const at = {}, links = {};
  for (const node of view.data.nodes) {
    const { x, y } = view.network.canvasToDOM(view.at(node));
    at[node.id] = [Math.round(x), Math.round(y)];
  }
  for (const edge of view.data.edges) {
    const [a, b] = [at[edge.from], at[edge.to]];
    links[edge.id] = [Math.round((a[0] + b[0]) / 2), Math.round((a[1] + b[1]) / 2)];
  }
  if (!view.data) return;
  root.dataset.nodes = JSON.stringify(at);
  root.dataset.links = JSON.stringify(links);
  root.dataset.selected = JSON.stringify(view.selected);
  const scale = view.network.getScale(), { id, size } = strataType(scale, view.largest);
  root.dataset.type = JSON.stringify({ id, name: Math.round(10 * scale * size) / 10 });
}

/* What is on the stage, three times as large: drawn anew out of sight, over the page's own colour. */
function strataPng(stage, view, factor = 3) {
  const [width, height] = [stage.clientWidth, stage.clientHeight], away = document.createElement("div");
  Object.assign(away.style, {
    position: "fixed", left: "-99999px", width: `${width * factor}px`, height: `${height * factor}px`,
  });
  document.body.append(away);
  const { nodes, edges } = view.network.body.data, { paper } = view.theme;
  const large = new vis.Network(away, { nodes, edges }, { ...STRATA_OPTIONS, interaction: { selectConnectedEdges: false } });
  const known = (set, id) => (id && set.get(id) ? [id] : []);
  const { node, edge } = view.selected;
  large.setSelection({ nodes: known(nodes, node), edges: known(edges, edge) }, { highlightEdges: false });
  large.on("beforeDrawing", (ctx) => {
    ctx.save();
    ctx.resetTransform();
    ctx.fillStyle = paper;
    ctx.fillRect(0, 0, ctx.canvas.width, ctx.canvas.height);
    ctx.restore();
  });
  large.on("afterDrawing", (ctx) => strataHeadings(ctx, view, large, width * factor, factor));
  large.moveTo({ position: view.network.getViewPosition(), scale: view.network.getScale() * factor });
  large.redraw();
  const link = document.createElement("a");
  link.href = away.querySelector("canvas").toDataURL("image/png");
  link.download = `${view.data.name || "evolution"}.png`;
  link.click();
  large.destroy();
  away.remove();
}
