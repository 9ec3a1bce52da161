import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import type { Files } from "#host";
import type { ImageConfig } from "#oci";
import { LayeredTree } from "../../src/build/tree/layered-tree.ts";
import { joinPath } from "../../src/build/tree/tree.ts";

export interface ExpectedImage {
  readonly config: Record<string, unknown> & {
    readonly history?: readonly { created_by?: string; empty_layer?: boolean }[];
  };
  readonly layers: readonly unknown[];
  readonly tree: Readonly<Record<string, ExpectedEntry>>;
}

interface ExpectedEntry {
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size?: number;
  readonly sha256?: string;
  readonly link?: string;
  readonly dev?: readonly number[];
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface ActualImage {
  readonly config: ImageConfig;
  readonly layers: readonly string[];
  readonly files: Files;
  /** Paths that base images have. */
  readonly base: ReadonlySet<string>;
}

/** What differs between an image that BuildKit made and ours; times aside. */
export function differences(expected: ExpectedImage, actual: ActualImage): readonly string[] {
  return [...configDifferences(expected, actual.config), ...treeDifferences(expected, actual)];
}

const ignored = new Set([
  "created",
  "rootfs",
  "history",
  "moby.buildkit.cache.v0",
  "moby.buildkit.buildinfo.v1",
  "size",
  "id",
]);
const ignoredInner = new Set(["ArgsEscaped", "Image", "Hostname"]);

function configDifferences(expected: ExpectedImage, config: ImageConfig): readonly string[] {
  const wanted = normalize(expected.config);
  const got = normalize(config as unknown as Record<string, unknown>);
  const found: string[] = [];
  for (const key of new Set([...Object.keys(wanted), ...Object.keys(got)]))
    if (wanted[key] !== got[key]) found.push(`config ${key}: ${got[key]}, want ${wanted[key]}`);
  const history = (rows: ExpectedImage["config"]["history"]): string =>
    (rows ?? []).map(({ created_by, empty_layer }) => `${created_by} ${empty_layer === true}`).join("\n");
  if (history(expected.config.history) !== history(config.history))
    found.push(
      `history: ${JSON.stringify(history(config.history))}, want ${JSON.stringify(history(expected.config.history))}`,
    );
  if (expected.layers.length !== config.rootfs.diff_ids.length)
    found.push(`layers: ${config.rootfs.diff_ids.length}, want ${expected.layers.length}`);
  return found;
}

function normalize(config: Record<string, unknown>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    if (ignored.has(key)) continue;
    if (key !== "config") flat[key] = stable(value);
    else
      for (const [inner, innerValue] of Object.entries((value ?? {}) as Record<string, unknown>))
        if (!ignoredInner.has(inner) && !isEmpty(innerValue)) flat[`config.${inner}`] = stable(innerValue);
  }
  return flat;
}

function isEmpty(value: unknown): boolean {
  return (
    value === null || value === "" || value === undefined || stable(value) === "{}" || stable(value) === "[]"
  );
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function treeDifferences(expected: ExpectedImage, actual: ActualImage): readonly string[] {
  const tree = new LayeredTree(actual.layers, actual.files);
  const found: string[] = [];
  const seen = new Set<string>();
  const walk = (directory: string): void => {
    for (const name of tree.list(directory)) {
      const path = joinPath(directory, name);
      seen.add(path);
      const wanted = expected.tree[path];
      const entry = tree.find(path);
      if (entry === undefined) continue;
      if (entry.kind === "directory") walk(path);
      // The expected trees leave out what the base image has.
      if (wanted === undefined && actual.base.has(path)) continue;
      if (wanted === undefined) found.push(`+ ${path} (${entry.kind})`);
      else found.push(...entryDifferences(path, wanted, entry));
    }
  };
  walk("");
  for (const path of Object.keys(expected.tree))
    if (path !== "" && path !== "." && !seen.has(path)) found.push(`- ${path}`);
  return found;
}

const kinds: Readonly<Record<string, string>> = {
  directory: "dir",
  characterDevice: "char",
  blockDevice: "block",
};

function entryDifferences(
  path: string,
  wanted: ExpectedEntry,
  entry: NonNullable<ReturnType<LayeredTree["find"]>>,
): readonly string[] {
  const got = {
    type: kinds[entry.kind] ?? entry.kind,
    mode: `0o${entry.mode.toString(8)}`,
    uid: entry.uid,
    gid: entry.gid,
    ...(entry.kind === "file" && {
      size: entry.sizeBytes,
      sha256: createHash("sha256").update(readFileSync(entry.location)).digest("hex"),
    }),
    ...(entry.kind === "symlink" && { link: readlinkSync(entry.location) }),
  } as Record<string, unknown>;
  const keys: readonly (keyof ExpectedEntry)[] = [
    "type",
    "mode",
    "uid",
    "gid",
    "size",
    "sha256",
    ...(entry.kind === "symlink" ? (["link"] as const) : []),
  ];
  return keys.flatMap((key) =>
    got[key] === wanted[key]
      ? []
      : [
          `~ ${path} ${key}: ${got[key]}${key === "sha256" && entry.sizeBytes < 200 ? ` ${readFileSync(entry.location, "utf8")}` : ""}, want ${JSON.stringify(wanted[key])}`,
        ],
  );
}
