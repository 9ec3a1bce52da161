import type { Plan, Vertex, VertexId } from "#plan";

export const planForms = ["text", "json", "dot"] as const;
export type PlanForm = (typeof planForms)[number];

/** A plan for people (`text`), programs (`json`) and Graphviz (`dot`). */
export function planReport(plan: Plan, form: PlanForm): string {
  switch (form) {
    case "text":
      return planText(plan);
    case "json":
      return planJson(plan);
    case "dot":
      return planDot(plan);
  }
}

/** One line a step, numbered; behind the arrow the steps whose result it takes. */
function planText(plan: Plan): string {
  const numbers = numberVertices(plan);
  const lines = [...plan.graph.vertices.values()].map((vertex) => {
    const inputs = vertex.inputs.map((edge) => `#${numbers.get(edge.vertex)}`).join(" ");
    const result = plan.target?.vertex === vertex.id ? "   (the image)" : "";
    return `#${numbers.get(vertex.id)} ${vertex.name}${inputs === "" ? "" : `   <- ${inputs}`}${result}\n`;
  });
  return lines.join("");
}

function numberVertices(plan: Plan): ReadonlyMap<VertexId, number> {
  return new Map([...plan.graph.vertices.keys()].map((id, index) => [id, index + 1]));
}

function planJson(plan: Plan): string {
  const { graph, warnings: _, ...rest } = plan;
  return `${JSON.stringify({ ...rest, vertices: [...graph.vertices.values()] }, undefined, 2)}\n`;
}

const shapes: Readonly<Record<Vertex["op"]["kind"], string>> = {
  image: "folder",
  local: "folder",
  http: "folder",
  git: "folder",
  exec: "box",
  file: "note",
  merge: "hexagon",
};

function planDot(plan: Plan): string {
  const numbers = numberVertices(plan);
  const vertices = [...plan.graph.vertices.values()];
  const lines = [
    ...vertices.map((vertex) => {
      const width = plan.target?.vertex === vertex.id ? ", penwidth=3" : "";
      return `  s${numbers.get(vertex.id)} [label=${dotText(vertex.name)}, shape=${shapes[vertex.op.kind]}${width}];`;
    }),
    ...vertices.flatMap((vertex) =>
      vertex.inputs.map((edge) => `  s${numbers.get(edge.vertex)} -> s${numbers.get(vertex.id)};`),
    ),
  ];
  return `digraph plan {\n  rankdir=LR;\n${lines.join("\n")}\n}\n`;
}

function dotText(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}
