import { createHash } from "node:crypto";
import type { CopyAction, ExecMount, ExecOp, FileAction, FileOp, Op, Vertex } from "#plan";
import type { Selector } from "../copy/selection.ts";
import { baseName } from "../tree/tree.ts";

/** What a vertex does, as its cache keys see it. */
export interface KeyParts {
  /** The operation with the paths it reads. */
  readonly definition: string;
  /** The operation without them: their content stands for them. */
  readonly content: string;
  /** By position: what is read of an input that content can stand for; absent: the whole input by its identity. */
  readonly selectors: ReadonlyMap<number, readonly Selector[]>;
}

/**
 * Takes out of an operation what must not decide about a hit: proxy variables, addresses of extra hosts, identities of
 * cache mounts, and, for the content key, the paths of sources.
 * @see https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/ops/exec.go
 */
export function keyParts(vertex: Vertex): KeyParts {
  const { op } = vertex;
  if (op.kind === "file") return fileParts(op);
  if (op.kind === "exec") return execParts(op);
  const text = JSON.stringify(withoutPaths(op));
  return { definition: text, content: text, selectors: new Map() };
}

function withoutPaths(op: Exclude<Op, FileOp | ExecOp>): unknown {
  return op.kind === "local" ? { kind: op.kind } : op;
}

function fileParts(op: FileOp): KeyParts {
  const selectors = new Map<number, Selector[]>();
  for (const action of op.actions)
    if (isSelected(action, op) && action.input !== undefined)
      selectors.set(action.input, [...(selectors.get(action.input) ?? []), action]);
  const content = {
    ...op,
    actions: op.actions.map((action) => (isSelected(action, op) ? namedOnly(action) : action)),
  };
  return { definition: JSON.stringify(op), content: JSON.stringify(content), selectors };
}

function isSelected(action: FileAction, op: FileOp): action is CopyAction {
  return action.kind === "copy" && action.input !== op.base;
}

function namedOnly(action: CopyAction): unknown {
  const { includePatterns: _include, excludePatterns: _exclude, requiredPaths: _required, ...rest } = action;
  return { ...rest, source: baseName(action.source.replace(/\/+$/, "")) };
}

function execParts(op: ExecOp): KeyParts {
  const selectors = new Map<number, Selector[]>();
  const whole = new Set<number | undefined>([op.root]);
  for (const mount of op.mounts) if (mount.kind === "cache") whole.add(mount.input);
  for (const mount of op.mounts)
    if (mount.kind === "bind" && mount.input !== undefined && !whole.has(mount.input))
      selectors.set(mount.input, [...(selectors.get(mount.input) ?? []), wholeOf(mount.source)]);
  const { proxyEnv: _proxyEnv, ...rest } = op;
  const common = { ...rest, extraHosts: op.extraHosts.map(({ host }) => host) };
  const text = (isContent: boolean): string =>
    JSON.stringify({ ...common, mounts: op.mounts.map((mount) => mountKey(mount, isContent)) });
  return { definition: text(false), content: text(true), selectors };
}

/** A cache mount's identity does not count, unless it is shared in a way of its own. */
function mountKey(mount: ExecMount, isContent: boolean): unknown {
  if (mount.kind === "cache") {
    const { id: _id, sharing: _sharing, ...rest } = mount;
    return rest;
  }
  if (mount.kind !== "bind" || !isContent) return mount;
  const { source: _source, ...rest } = mount;
  return rest;
}

/** The selector of a bind mount: a path and everything below it. */
export function wholeOf(source: string): Selector {
  return {
    source,
    followSymlinks: true,
    wildcard: false,
    includePatterns: [],
    excludePatterns: [],
    requiredPaths: [],
  };
}

/** One key of its parts. */
export function hashKey(...parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest("hex");
}
