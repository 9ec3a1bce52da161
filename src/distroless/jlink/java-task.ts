import { createHash } from "node:crypto";
import type { Snapshotter } from "#snapshot";
import { findOrAssemble, type TreeRequest } from "../find-or-assemble.ts";
import type { LocatedPackage } from "../mirror/package-cache.ts";
import type { JavaCut, RecipeDefinition } from "../recipe-definition.ts";
import { kitDefinition, linkJava } from "./link-java.ts";
import type { ToolParts } from "./run-tool.ts";

/** What a Java is made of. */
export interface JavaTask extends Omit<TreeRequest, "java" | "definition"> {
  readonly definition: RecipeDefinition;
  readonly cut: JavaCut;
  /** The development kit and what it needs, for the image's architecture. */
  readonly kit: readonly LocatedPackage[];
  /** The same for this machine; asked for when that is another architecture. */
  readonly hostKit: () => Promise<readonly LocatedPackage[]>;
  readonly hostArchitecture: string;
  readonly parts: ToolParts;
}

/** How a tree gets its Java when it has to be assembled. */
export function javaOf(task: JavaTask): NonNullable<TreeRequest["java"]> {
  const { cut, kit } = task;
  const facts = {
    package: cut.package,
    modules: cut.modules,
    jar: cut.jar?.sha256,
    kit: kit.map(({ candidate }) => candidate.sha256),
  };
  const key = createHash("sha256").update(JSON.stringify(facts)).digest("hex");
  return { key, link: async () => await link(task) };
}

async function link(task: JavaTask) {
  const { snapshots, cut, architecture, hostArchitecture, parts, signal } = task;
  const target = await kitTree(task, task.kit, architecture);
  const isOwn = architecture === hostArchitecture;
  const tools = isOwn ? target : await kitTree(task, await task.hostKit(), hostArchitecture);
  const snapshot = snapshots.prepare(tools);
  try {
    const java = await linkJava(cut, {
      parts,
      snapshot,
      target: { directory: directoryOf(snapshots, target), packages: task.kit },
      architecture,
      hostArchitecture,
      ...(signal !== undefined && { signal }),
    });
    return { ...java, [Symbol.asyncDispose]: async () => await snapshot[Symbol.asyncDispose]() };
  } catch (error) {
    await snapshot[Symbol.asyncDispose]();
    throw error;
  }
}

async function kitTree(task: JavaTask, packages: readonly LocatedPackage[], architecture: string) {
  const { layers } = await findOrAssemble({
    definition: kitDefinition(task.definition, task.cut.package),
    architecture,
    packages,
    snapshots: task.snapshots,
    codecs: task.codecs,
    cache: task.cache,
    onProgress: task.onProgress,
    ...(task.signal !== undefined && { signal: task.signal }),
  });
  const [tree] = layers;
  if (tree === undefined) throw new Error("a tree has a layer");
  return tree;
}

/** A kit's tree is one layer. */
function directoryOf(snapshots: Snapshotter, name: Parameters<Snapshotter["changes"]>[0]): string {
  return snapshots.changes(name);
}
