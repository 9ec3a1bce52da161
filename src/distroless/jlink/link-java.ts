import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import { parseParagraph } from "#debian";
import type { ActiveSnapshot } from "#snapshot";
import type { LocatedPackage } from "../mirror/package-cache.ts";
import type { JavaCut, RecipeDefinition } from "../recipe-definition.ts";
import { ignoredDependencies } from "../recipes/distroless.ts";
import type { LinkedJava } from "./place-java.ts";
import { runTool, type ToolParts } from "./run-tool.ts";

/** What development kits depend on for parts that neither jlink nor jdeps is. */
const partsOfNoUse = ["libcups2", "libfontconfig1", "libnss3", "libharfbuzz0b", "liblcms2-2"];
const mediaOfNoUse = ["libjpeg62-turbo", "libasound2", "libasound2t64", "libfreetype6", "fonts-dejavu-core"];

/** The recipe of the tree in which jlink runs: the development kit, and what its programs load. */
export function kitDefinition({ release }: RecipeDefinition, kit: string): RecipeDefinition {
  return {
    name: kit,
    kind: "distroless",
    release,
    repository: kit,
    tags: [],
    packages: ["base-files", "libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libc-bin", kit],
    prefer: ["usr-is-merged"],
    ignore: [...ignoredDependencies, ...partsOfNoUse, ...mediaOfNoUse],
    trim: ["docs", "locales", "charsets", "zones", "settings", "java-desktop"],
    env: [],
  };
}

/** Trees and programs of one cut. */
export interface LinkOptions {
  readonly parts: ToolParts;
  /** An active snapshot on the tree in which jlink runs. */
  readonly snapshot: ActiveSnapshot;
  /** The tree of the development kit for the image's architecture. */
  readonly target: { readonly directory: string; readonly packages: readonly LocatedPackage[] };
  /** Debian's names of both architectures. */
  readonly architecture: string;
  readonly hostArchitecture: string;
  readonly signal?: AbortSignal;
}

/**
 * Cuts a Java down to modules with the development kit's own jlink; those of a jar are found with its jdeps.
 * @throws RECIPE_INVALID, CANCELLED
 */
export async function linkJava(cut: JavaCut, options: LinkOptions): Promise<LinkedJava> {
  const { snapshot, target, parts, signal } = options;
  const version = versionOf(cut);
  const tools = homeOf(version, options.hostArchitecture);
  const run = async (args: readonly string[], reads: Readonly<Record<string, string>> = {}) =>
    await runTool(parts, { snapshot, args, reads, ...(signal !== undefined && { signal }) });
  mkdirSync(join(snapshot.upper, "work"));
  const found =
    cut.jar === undefined ? [] : await findModules(cut.jar.bytes, { snapshot, tools, version, run });
  const modules = [...new Set(["java.base", ...cut.modules, ...found])].sort();
  const isOwn = options.architecture === options.hostArchitecture;
  const jmods = `${isOwn ? "" : "/target"}${homeOf(version, options.architecture)}/jmods`;
  const wanted = ["--module-path", jmods, "--add-modules", modules.join(","), "--output", "/work/java"];
  const smaller = ["--strip-java-debug-attributes", "--no-header-files", "--no-man-pages"];
  // The second form came with Java 21.
  const compress = version >= 21 ? "--compress=zip-6" : "--compress=2";
  const reads = isOwn ? {} : { "/target": target.directory };
  await run([`${tools}/bin/jlink`, ...wanted, ...smaller, compress], reads);
  const { files } = parts.host;
  return { root: snapshot.upper, path: "work/java", files, kit: readKit(cut, target) };
}

function versionOf({ package: name }: JavaCut): number {
  const version = /^openjdk-(\d+)-jdk-headless$/.exec(name)?.[1];
  if (version === undefined)
    throw new LighterError("INTERNAL", `cannot link Java: "${name}" is no development kit`);
  return Number(version);
}

function homeOf(version: number, architecture: string): string {
  return `/usr/lib/jvm/java-${version}-openjdk-${architecture}`;
}

async function findModules(
  jar: Uint8Array,
  {
    snapshot,
    tools,
    version,
    run,
  }: {
    readonly snapshot: ActiveSnapshot;
    readonly tools: string;
    readonly version: number;
    readonly run: (args: readonly string[]) => Promise<string>;
  },
): Promise<readonly string[]> {
  writeFileSync(join(snapshot.upper, "work", "program.jar"), jar);
  const flags = ["--ignore-missing-deps", "--print-module-deps", "--multi-release", String(version)];
  const answer = (await run([`${tools}/bin/jdeps`, ...flags, "/work/program.jar"])).trim();
  // A jar without classes.
  if (answer === "") return [];
  if (/^[a-z][\w.]*(?:,[a-z][\w.]*)*$/i.test(answer)) return answer.split(",");
  throw new LighterError(
    "RECIPE_INVALID",
    `cannot find the modules of the jar: jdeps says "${answer.slice(0, 200)}"`,
  );
}

function readKit(cut: JavaCut, { directory, packages }: LinkOptions["target"]): LinkedJava["kit"] {
  const candidate = packages.find(({ candidate: { name } }) => name === cut.package)?.candidate;
  const control = readFileSync(join(directory, "var/lib/dpkg/status.d", cut.package), "utf8");
  if (candidate === undefined)
    throw new LighterError("INTERNAL", `cannot link Java: "${cut.package}" is not there`);
  return { candidate, control: parseParagraph(control), controlFiles: new Map(), paths: [] };
}
