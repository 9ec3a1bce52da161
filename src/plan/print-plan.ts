import { formatPlatform } from "#oci";
import type { ExecMount, FileAction, Op, Plan, Vertex, VertexId } from "./graph.ts";

/** How a plan is shown: for people, for programs, for Graphviz. */
export type PlanFormat = "text" | "json" | "dot";

/** The plan as text; ends with a newline. */
export function printPlan(plan: Plan, format: PlanFormat): string {
  switch (format) {
    case "text":
      return printText(plan);
    case "json":
      return printJson(plan);
    case "dot":
      return printDot(plan);
  }
}

/** Every step with its number, what it does, and the numbers of the steps it needs. */
function printText(plan: Plan): string {
  const numbers = numberVertices(plan);
  const lines = [`plan for stage ${plan.stage} on ${formatPlatform(plan.platform)}`, ""];
  for (const vertex of plan.graph.vertices.values()) lines.push(...vertexLines(vertex, numbers));
  const last =
    plan.target === undefined
      ? "nothing: the image has no layer"
      : `#${numbers.get(plan.target.vertex) ?? 0}`;
  lines.push("", `result: ${last}`);
  return `${lines.map(safe).join("\n")}\n`;
}

function vertexLines(vertex: Vertex, numbers: ReadonlyMap<VertexId, number>): string[] {
  const needs = vertex.inputs.map(({ vertex: input }) => `#${numbers.get(input) ?? 0}`);
  const after = needs.length === 0 ? "" : `  after ${needs.join(", ")}`;
  const title = `#${numbers.get(vertex.id) ?? 0} ${firstLine(vertex.name)}${after}`;
  return [title, ...details(vertex.op).map((line) => `   ${firstLine(line)}`)];
}

function details(op: Op): string[] {
  switch (op.kind) {
    case "image":
      return [`platform ${formatPlatform(op.platform)}`];
    case "local":
      return [op.paths === undefined ? "all files" : `only ${op.paths.join(", ")}`];
    case "http":
      return [
        `download ${op.url}${op.checksum === undefined ? "" : `, checked against ${op.checksum}`}`,
        ...(op.unpack === true ? ["unpack it"] : []),
      ];
    case "upload":
      return [`unpack ${op.digest}`];
    case "git":
      return [`check out ${op.remote}${op.ref === undefined ? "" : ` at ${op.ref}`}`];
    case "exec":
      return [
        `run ${JSON.stringify(op.args)} in ${op.cwd}${op.user === undefined ? "" : ` as ${op.user}`}`,
        ...op.mounts.map(mountText),
      ];
    case "file":
      return op.actions.map(actionText);
    case "merge":
      return ["lay the trees over each other"];
  }
}

function mountText(mount: ExecMount): string {
  const target = mount.kind === "secret" ? (mount.target ?? `$${mount.env ?? ""}`) : mount.target;
  return `mount ${mount.kind}${"id" in mount ? ` ${mount.id}` : ""} at ${target}`;
}

function actionText(action: FileAction): string {
  if (action.kind === "copy")
    return `copy ${action.source} to ${action.destination}${action.unpack ? ", archives unpacked" : ""}`;
  return action.kind === "mkdir" ? `make directory ${action.path}` : `write ${action.path}`;
}

/** The whole plan; vertices are a list, in an order in which they can be done. */
function printJson(plan: Plan): string {
  const { graph, ...rest } = plan;
  return `${JSON.stringify({ ...rest, vertices: [...graph.vertices.values()] }, undefined, 2)}\n`;
}

/** A digraph: an arrow goes from a step to those that need it. Stages are boxes around their steps. */
function printDot(plan: Plan): string {
  const numbers = numberVertices(plan);
  const name = (id: VertexId): string => `v${numbers.get(id) ?? 0}`;
  const lines = ["digraph plan {", "  rankdir=TB;", '  node [shape=box, fontname="monospace"];'];
  [...byStage(plan)].forEach(([stage, vertices], index) => {
    const nodes = vertices.map(({ id, name: text }) => `${name(id)} [label=${dotString(firstLine(text))}];`);
    if (stage === "") lines.push(...nodes.map((node) => `  ${node}`));
    else
      lines.push(
        `  subgraph cluster_${index} {`,
        `    label=${dotString(stage)};`,
        ...nodes.map((node) => `    ${node}`),
        "  }",
      );
  });
  for (const { id, inputs } of plan.graph.vertices.values())
    for (const input of inputs) lines.push(`  ${name(input.vertex)} -> ${name(id)};`);
  return `${[...lines, "}"].join("\n")}\n`;
}

function byStage(plan: Plan): Map<string, Vertex[]> {
  const stages = new Map<string, Vertex[]>();
  for (const vertex of plan.graph.vertices.values()) {
    const stage = vertex.stage ?? "";
    const vertices = stages.get(stage);
    if (vertices === undefined) stages.set(stage, [vertex]);
    else vertices.push(vertex);
  }
  return stages;
}

function numberVertices(plan: Plan): ReadonlyMap<VertexId, number> {
  return new Map(Array.from(plan.graph.vertices.keys(), (id, index) => [id, index + 1]));
}

function firstLine(text: string): string {
  const [first = "", ...more] = text.split("\n");
  return more.length > 0 ? `${first} …` : first;
}

/** Names come from Dockerfiles, and text goes to terminals. */
function safe(line: string): string {
  // The control characters in the pattern are what is replaced.
  return line.replace(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, "\ufffd");
}

function dotString(text: string): string {
  return `"${safe(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
