import type { Miss, VariableChange } from "./miss.ts";

/** What differs between two definitions of a step, as its keys have them. */
export function opChange(before: string, now: string, argNames: ReadonlySet<string>): Miss {
  const a = parse(before);
  const b = parse(now);
  if (a["kind"] !== "exec" || b["kind"] !== "exec") return { kind: "instruction" };
  if (JSON.stringify(a["args"]) !== JSON.stringify(b["args"])) return { kind: "instruction" };
  const variables = variableChanges(linesOf(a["env"]), linesOf(b["env"]), argNames);
  if (variables.length > 0) return { kind: "variables", variables };
  const options = Object.entries(optionNames).flatMap(([name, words]) =>
    JSON.stringify(a[name]) === JSON.stringify(b[name]) ? [] : [words],
  );
  return options.length === 0 ? { kind: "instruction" } : { kind: "options", options };
}

/** What a RUN runs; undefined for other steps. */
export function commandOf(op: string): string | undefined {
  const { kind, args } = parse(op);
  return kind === "exec" ? JSON.stringify(args) : undefined;
}

export function isRun(op: string): boolean {
  return parse(op)["kind"] === "exec";
}

/** Fields of a RUN's key, in the words by which one sets them. */
const optionNames: Readonly<Record<string, string>> = {
  cwd: "WORKDIR",
  user: "USER",
  mounts: "--mount",
  network: "--network",
  security: "--security",
  hostname: "the host name",
  extraHosts: "--add-host",
  shmSizeBytes: "--shm-size",
  ulimits: "--ulimit",
  devices: "--device",
  platform: "--platform",
};

function parse(op: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(op);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function linesOf(env: unknown): ReadonlyMap<string, string> {
  const lines: readonly unknown[] = Array.isArray(env) ? env : [];
  return new Map(
    lines.map((line): [string, string] => {
      const text = String(line);
      const equals = text.indexOf("=");
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

function variableChanges(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  argNames: ReadonlySet<string>,
): readonly VariableChange[] {
  return [...new Set([...before.keys(), ...now.keys()])].flatMap((name): VariableChange[] => {
    if (before.get(name) === now.get(name)) return [];
    const change = !before.has(name) ? "set" : !now.has(name) ? "unset" : "changed";
    return [{ from: argNames.has(name) ? "ARG" : "ENV", name, change }];
  });
}
