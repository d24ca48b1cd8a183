/* Cards of features and the room that they need: what they say at a scale, how they are drawn, where to look. */

/* A name's size on a card, and the pixels at which it can be read. Where the picture is too small for that, the name
   stands alone and is held at these pixels as far as cards have room for it: down to the scale ROOM, where two lines of
   it still fit between two rows. */
const STRATA_NAME = 12.5, STRATA_READABLE = 11, STRATA_ROOM = 0.58;

/* How cards are set at a scale; no name is larger than what the picture was framed for. */
function strataType(scale, largest = STRATA_READABLE / STRATA_ROOM) {
  if (scale * STRATA_NAME >= STRATA_READABLE) return { id: true, size: STRATA_NAME, second: 0.92, pad: [18, 8.5], least: 58 };
  const size = Math.min(largest, STRATA_READABLE / scale);
  return { id: false, size, second: 1, pad: [0.9 * size, 0.5 * size], least: 0 };
}

/* The lines of a card: its label (or, in quotes, its characteristic token), and near by its id below. */
function strataLines(label, type) {
  const names = label.split("\n"), id = names.pop(), { size } = type;
  const [share, high] = names.length > 1 ? [type.second, 1.04] : [1, 1.3];
  const lines = names.map((text) => ({ text, weight: 600, size: share * size, high: high * size }));
  if (type.id || !names.length) lines.push({ text: id, weight: 400, size: 0.84 * size, high: 1.28 * size });
  return lines;
}

/* About the width of a card, before there is a canvas to measure it on. */
function strataWide(label, type) {
  return Math.max(type.least, ...strataLines(label, type).map((line) => 0.56 * line.size * line.text.length + type.pad[0]));
}

function strataCard(ctx, node, x, y, state, view) {
  const { theme } = view, type = strataType(view.network.getScale(), view.largest), lines = strataLines(node.label, type);
  const font = (line) => `${line.weight} ${line.size}px ${theme.font}`;
  const measured = (line) => ((ctx.font = font(line)), ctx.measureText(line.text).width + type.pad[0]);
  const width = Math.max(type.least, ...lines.map(measured));
  const text = lines.reduce((sum, line) => sum + line.high, 0), height = text + type.pad[1];
  const draw = () => {
    ctx.save();
    ctx.beginPath();
    ctx.roundRect(x - width / 2, y - height / 2, width, height, 6);
    ctx.fillStyle = node.color.background;
    ctx.shadowColor = state.hover ? "rgba(0,0,0,.28)" : "transparent";
    ctx.shadowBlur = state.hover ? 8 : 0;
    ctx.fill();
    ctx.shadowColor = "transparent";
    ctx.lineWidth = state.selected ? 3 : node.borderWidth;
    ctx.strokeStyle = state.selected ? theme.accent : node.borderWidth > 1 ? theme.text : node.color.border;
    ctx.stroke();
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = node.font.color;
    let top = y - text / 2;
    for (const line of lines) {
      ctx.font = font(line);
      ctx.globalAlpha = line.weight > 400 ? 1 : 0.86;
      ctx.fillText(line.text, x, top + line.high / 2);
      top += line.high;
    }
    ctx.restore();
  };
  return { drawNode: draw, nodeDimensions: { width, height } };
}

/* What the columns need at a scale: how close they can be, as a share of their distance, and the room at either side. */
function strataNeeds(data, scale) {
  const type = strataType(scale), xs = data.columns.map((column) => column.x);
  const cards = (x) => data.nodes.filter((node) => node.x === x).map((node) => strataWide(node.label, type));
  const wide = xs.map((x) => Math.max(...cards(x)));
  const gaps = xs.slice(1).map((x, i) => ((wide[i] + wide[i + 1]) / 2 + 26) / (x - xs[i]));
  const side = (i) => Math.max(wide[i], 40 / scale) / 2 + 10;  // room for a heading at least
  return { closest: Math.max(0, ...gaps), before: side(0), after: side(xs.length - 1) };
}

/* Where to look: everything, as large as it fits, while that can be read; else as much as fits around the centre.
   Columns and rows move apart, or columns together as far as their cards leave room for links, to fill the stage. */
function strataFrame(data, width, height, least) {
  const xs = data.columns.map((column) => column.x), ys = data.nodes.map((node) => node.y);
  const left = Math.min(...xs), across = Math.max(...xs) - left, top = Math.min(...ys), down = Math.max(...ys) - top;
  const head = 34, foot = 40, card = 56, [wide, high] = [width - 12, height - head - foot];
  let scale = 1.2, needs = strataNeeds(data, scale);
  const fits = () => needs.closest * across + needs.before + needs.after <= wide / scale && down + card <= high / scale;
  while (scale > least && !fits()) {
    scale = Math.max(least, 0.98 * scale);
    needs = strataNeeds(data, scale);
  }
  const { closest, before, after } = needs, clamp = (low, x, most) => Math.min(most, Math.max(low, x));
  const stretch = {
    x: across ? clamp(closest, (wide / scale - before - after) / across, Math.max(closest, 1.6, 1.2 / scale)) : 1,
    y: down ? clamp(1, (high / scale - card) / down, 1.5) : 1,
  };
  const centre = data.nodes.find((node) => node.id === data.centre) || { x: left + across / 2, y: 0 };
  const within = (low, most, at, span) =>
    most - low <= span ? (low + most) / 2 : clamp(low + span / 2, at, most - span / 2);
  const position = {
    x: within(left * stretch.x - before, (left + across) * stretch.x + after, centre.x * stretch.x, wide / scale),
    y: within(top * stretch.y - card / 2, (top + down) * stretch.y + card / 2, centre.y * stretch.y, high / scale) -
      (head - foot) / 2 / scale,
  };
  return { stretch, position, scale };
}
