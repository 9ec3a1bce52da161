import { chompHeredoc, compareText, findHeredocWord, type RunInstruction } from "#dockerfile";
import { inShell } from "./dispatch-metadata.ts";
import type { Environment } from "./environment.ts";
import { fault } from "./fault.ts";
import type { Edge, ExecMount, ExecOp } from "./graph.ts";
import { execIdentity } from "./graph-builder.ts";
import { inlineFile } from "./inline-file.ts";
import type { PersistentMap } from "./persistent-map.ts";
import { readMounts } from "./run-mounts.ts";
import { commit, nextName, type Step, vertexOrigin } from "./step.ts";
import { instructionText } from "./step-name.ts";

/** RUN. */
export function dispatchRun(step: Step, instruction: RunInstruction): void {
  const { state, context } = step;
  const inputs: Edge[] = state.tree === undefined ? [] : [state.tree];
  const line = commandLine(step, instruction);
  const mounts = readMounts(step, instruction, inputs);
  if (line.script !== undefined) mounts.unshift(scriptMount(step, inputs, line.script));
  // A program may read anything.
  state.paths.add("/");
  if (instruction.devices.length > 0) checkDevices(step);
  const { args, env } = state;
  const op = execOp(step, instruction, { args: line.args, mounts, hasRoot: state.tree !== undefined });
  const vertex = {
    op: withEnvironment(op, env),
    inputs: Object.freeze(inputs),
    name: nextName(step, runText(step, instruction.original.trim() + line.summary, mounts)),
    ...vertexOrigin(step),
  };
  state.tree = context.builder.add(vertex, execIdentity(op, env.digest));
  commit(step, () => `RUN ${[...argTexts(args, env), ...line.args].join(" ")} # buildkit`, state.tree);
}

interface RunLine {
  readonly args: readonly string[];
  /** What the name of the step says of a heredoc. */
  readonly summary: string;
  /** A heredoc that is a program of its own. */
  readonly script?: { readonly name: string; readonly content: string };
}

/** The arguments of the process. A heredoc alone on its line is the program; other heredocs are left to the shell. */
function commandLine({ state }: Step, { command, heredocs }: RunInstruction): RunLine {
  const { image } = state;
  const [document] = heredocs;
  const [text = ""] = command.args;
  if (document === undefined)
    return { args: command.form === "exec" ? command.args : inShell(image, command.args), summary: "" };
  if (findHeredocWord(text) === undefined)
    return { args: inShell(image, [withDocuments(text, heredocs)]), summary: "" };
  const content = document.chomp ? chompHeredoc(document.content) : document.content;
  const summary = ` (${summarize(document.content)})`;
  if (image.platform.os === "windows" || !content.startsWith("#!"))
    return { args: inShell(image, [content]), summary };
  const path = `/dev/pipes/${document.name}`;
  return { args: inShell(image, [path]), summary, script: { name: document.name, content } };
}

function withDocuments(text: string, heredocs: RunInstruction["heredocs"]): string {
  return text + heredocs.map(({ content, name }) => `\n${content}${name}`).join("");
}

function summarize(content: string): string {
  const [first = "", ...more] = content.trim().replaceAll("\r\n", "\n").split("\n");
  return more.length > 0 ? `${first}...` : first;
}

function scriptMount(
  step: Step,
  inputs: Edge[],
  script: { readonly name: string; readonly content: string },
): ExecMount {
  const edge = inlineFile(step, { ...script, mode: 0o755 });
  inputs.push(edge);
  return Object.freeze({
    kind: "bind",
    target: "/dev/pipes",
    input: inputs.length - 1,
    source: "/",
    readonly: true,
  });
}

/** Devices are in the labs channel of the language only. */
function checkDevices({ context }: Step): void {
  const syntax = context.file.directives.find(({ name }) => name === "syntax")?.value ?? "";
  if (/-labs(?:@|\s|$)/.test(syntax)) return;
  throw fault("device feature is only supported in Dockerfile frontend 1.14.0-labs or later", {
    hint: "put # syntax=docker/dockerfile:1-labs on the first line",
  });
}

function execOp(
  step: Step,
  instruction: RunInstruction,
  parts: {
    readonly args: readonly string[];
    readonly mounts: readonly ExecMount[];
    readonly hasRoot: boolean;
  },
): Omit<ExecOp, "env"> {
  const { state, context } = step;
  const { options } = context;
  const hostname = options.hostname ?? context.buildArgs.get("BUILDKIT_SANDBOX_HOSTNAME");
  return {
    kind: "exec",
    ...(parts.hasRoot && { root: 0 }),
    args: parts.args,
    proxyEnv: context.proxyEnv,
    cwd: state.workdir,
    ...(state.user !== undefined && state.user !== "" && { user: state.user }),
    mounts: Object.freeze(mountOrder(parts.mounts)),
    network: instruction.network === "default" ? (options.network ?? "default") : instruction.network,
    security: instruction.security,
    ...(hostname !== undefined && { hostname }),
    extraHosts: options.extraHosts ?? [],
    ...(options.shmSizeBytes !== undefined && { shmSizeBytes: options.shmSizeBytes }),
    ulimits: options.ulimits ?? [],
    devices: instruction.devices,
    platform: state.platform ?? context.targetPlatform,
  };
}

/** The variables are written out when they are asked for: ten thousand steps may see ten thousand each. */
function withEnvironment(op: Omit<ExecOp, "env">, env: Environment): ExecOp {
  return Object.freeze({
    ...op,
    get env() {
      return execEnv(env, op.mounts);
    },
  });
}

/** Trees by target, so that a directory is mounted before those within it; then files and sockets. */
function mountOrder(mounts: readonly ExecMount[]): ExecMount[] {
  const trees = mounts.filter((mount) => mount.kind !== "secret" && mount.kind !== "ssh");
  const files = mounts.filter(({ kind }) => kind === "secret" || kind === "ssh");
  return [...trees.toSorted((a, b) => compareText(a.target, b.target)), ...files];
}

function execEnv(env: Environment, mounts: readonly ExecMount[]): readonly string[] {
  const entries = Array.from(env.entries(), ([name, value]) => `${name}=${value}`);
  const socket = mounts.find(({ kind }) => kind === "ssh");
  if (socket !== undefined && !env.has("SSH_AUTH_SOCK") && "target" in socket)
    entries.push(`SSH_AUTH_SOCK=${socket.target}`);
  return Object.freeze(entries);
}

/** `|2 A=1 B=2`: the ARGs that a RUN depends on, in the order of their first mention. */
function argTexts(args: PersistentMap<string>, env: Environment): string[] {
  if (args.size === 0) return [];
  return [`|${args.size}`, ...args.entries().map(([key, value]) => `${key}=${env.get(key) ?? value}`)];
}

/** The name of a RUN: quotes stay, unknown variables stay, and what comes from a secret is masked. */
function runText({ state, context }: Step, text: string, mounts: readonly ExecMount[]): string {
  const secrets = new Set(
    mounts.flatMap((mount) => (mount.kind === "secret" && mount.env ? [mount.env] : [])),
  );
  const lookup = (name: string): string | undefined => (secrets.has(name) ? "****" : state.env.get(name));
  return instructionText(text, lookup, { escape: context.file.escape, rawQuotes: true, skipUnset: true });
}
