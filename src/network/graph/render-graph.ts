import type { GraphNetwork, GraphView } from "./network-graph.ts";

/** A tree of networks with their containers, then the ports of the host. */
export function graphText({ networks, published }: GraphView): string {
  if (networks.length === 0) return "No network has a container.\n";
  const trees = networks.map((network) => {
    const lines = network.containers.map(({ name, addresses, aliases }, at) => {
      const branch = at === network.containers.length - 1 ? "└─" : "├─";
      const also = aliases.length === 0 ? "" : ` (also ${aliases.join(", ")})`;
      return `${branch} ${name} ${addresses.join(" ")}${also}\n`;
    });
    return `${title(network)}\n${lines.join("")}`;
  });
  const ports = published.map(
    ({ host, container, containerPort, protocol }) =>
      `${host} -> ${container}:${containerPort}/${protocol}\n`,
  );
  return [...trees, ...(ports.length === 0 ? [] : [`published on this host\n${ports.join("")}`])].join("\n");
}

/** For Graphviz. */
export function graphDot({ networks, published }: GraphView): string {
  const lines = networks.flatMap((network) => [
    `  ${quoted(`network ${network.name}`)} [shape=box, style=rounded, label=${quoted(title(network))}];`,
    ...network.containers.map(
      ({ name, addresses }) =>
        `  ${quoted(name)} -- ${quoted(`network ${network.name}`)} [label=${quoted(addresses.join(" "))}];`,
    ),
  ]);
  const ports = published.map(
    ({ host, container, containerPort, protocol }) =>
      `  ${quoted(host)} -- ${quoted(container)} [label=${quoted(`${containerPort}/${protocol}`)}, style=dashed];`,
  );
  return `graph networks {\n${[...lines, ...ports].join("\n")}\n}\n`;
}

const [boxWidth, rowHeight, margin, headHeight] = [300, 24, 20, 52];

/** One box a network with its containers in it; a container on several networks stands in each, with the same colour. */
export function graphSvg({ networks, published }: GraphView): string {
  const colours = colourOf([
    ...new Set(networks.flatMap(({ containers }) => containers.map(({ name }) => name))),
  ]);
  const boxes = networks.map((network, at) =>
    networkBox(network, margin + at * (boxWidth + margin), colours),
  );
  const top = margin + Math.max(headHeight, ...networks.map(heightOf)) + margin;
  const ports = published.map(({ host, container, containerPort, protocol }, at) =>
    text(margin, top + rowHeight * (at + 1), `${host} → ${container}:${containerPort}/${protocol}`),
  );
  const width = margin + Math.max(1, networks.length) * (boxWidth + margin);
  const height = top + rowHeight * ports.length + margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">\n${[...boxes, ...ports].join("")}</svg>\n`;
}

function networkBox(network: GraphNetwork, x: number, colours: (name: string) => string): string {
  const rows = network.containers.map(({ name, addresses }, at) => {
    const y = margin + headHeight + at * rowHeight;
    const dot = `<circle cx="${x + 18}" cy="${y}" r="6" fill="${colours(name)}"/>\n`;
    return dot + text(x + 32, y + 5, `${name}  ${addresses.join(" ")}`);
  });
  const dashes = network.internal ? ' stroke-dasharray="6 4"' : "";
  const frame = `<rect x="${x}" y="${margin}" width="${boxWidth}" height="${heightOf(network)}" rx="8" fill="none" stroke="#555"${dashes}/>\n`;
  return frame + text(x + 12, margin + 24, title(network)) + rows.join("");
}

function heightOf({ containers }: GraphNetwork): number {
  return headHeight + containers.length * rowHeight;
}

function title({ name, driver, internal, subnets }: GraphNetwork): string {
  return [name, `(${driver}${internal ? ", internal" : ""})`, ...subnets].join(" ");
}

/** Hues as far apart as the number of names allows. */
function colourOf(names: readonly string[]): (name: string) => string {
  return (name) => `hsl(${Math.round((names.indexOf(name) * 360) / Math.max(1, names.length))} 60% 50%)`;
}

function text(x: number, y: number, words: string): string {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<text x="${x}" y="${y}">${escaped}</text>\n`;
}

function quoted(words: string): string {
  return `"${words.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
