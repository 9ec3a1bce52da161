import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Cleanup, LighterError } from "#base";
import type { Host } from "#host";
import { buildSpec, claimContainer, type Runtime, readSpecFacts, type SpecMount } from "#runtime";
import type { ActiveSnapshot } from "#snapshot";

/** What programs of a tree are run with. */
export interface ToolParts {
  readonly host: Host;
  readonly findRuntime: () => Promise<Runtime>;
  /** Where containers are claimed: `<root>/run`. */
  readonly runDirectory: string;
}

/** A program of a tree, and what it is given. */
export interface ToolRun {
  readonly snapshot: ActiveSnapshot;
  readonly args: readonly string[];
  /** Directories of the host that it may read, by path in the container. */
  readonly reads?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Runs a program in its tree, isolated as a RUN step is, and without any network. What it writes lands in the snapshot.
 * @returns its standard output
 * @throws RECIPE_INVALID with the end of what it printed, CANCELLED, RUNTIME_FAILED
 */
export async function runTool(
  parts: ToolParts,
  { snapshot, args, reads = {}, signal }: ToolRun,
): Promise<string> {
  const { host } = parts;
  host.mounts.enterPrivateNamespace();
  await using scope = new Cleanup();
  const id = `recipe-${randomBytes(6).toString("hex")}`;
  mkdirSync(parts.runDirectory, { recursive: true, mode: 0o711 });
  const claim = scope.use(claimContainer(host, parts.runDirectory, id));
  const rootfs = join(claim.directory, "rootfs");
  mkdirSync(rootfs);
  const { lower, upper, work } = snapshot;
  scope.use(host.mounts.overlay({ target: rootfs, lower, upper, work }));
  const mounts = Object.entries(reads).map(
    ([destination, source]): SpecMount => ({ destination, source, type: "bind", options: ["rbind", "ro"] }),
  );
  const env = ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"];
  const spec = buildSpec(
    { id, rootfs, args, env, hostname: "recipe", mounts, purpose: "build" },
    readSpecFacts(host),
  );
  const output = { stdout: "", stderr: "" };
  const status = await (await parts.findRuntime()).run({
    id,
    bundle: claim.bundle,
    spec,
    stdio: {
      kind: "capture",
      onStdout: (chunk) => void (output.stdout += Buffer.from(chunk).toString()),
      onStderr: (chunk) => void (output.stderr += Buffer.from(chunk).toString()),
    },
    ...(signal !== undefined && { signal }),
  });
  if (status === 0) return output.stdout;
  const lines = `${output.stdout}${output.stderr}`.trim().split("\n");
  // Java's tools say it in the first line, and print where in their own code it was below.
  const said = lines.find((line) => line.startsWith("Error: ")) ?? lines.slice(-3).join("; ");
  throw new LighterError("RECIPE_INVALID", `cannot run "${args[0] ?? ""}" for the recipe: ${said}`, {
    details: { args, status },
  });
}
