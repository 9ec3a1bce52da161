import { join } from "node:path";
import { modestLimits } from "./run-scratch.mjs";

const script = join(import.meta.dirname, "many-containers.mjs");

/** The life of many detached containers on the default bridge: see many-containers.mjs, which measures itself. */
export function runMany(count, workload) {
  const command = (words) => [process.execPath, script, String(count), ...words];
  return {
    commands: {
      lighter: ({ lighter }) => command([lighter]),
      docker: ({ docker }) => command(docker),
      podman: ({ podman }) => command(podman),
    },
    // Instead of a warm-up: an image may be laid out for its first container.
    before: ({ words, program }) => [
      ...words,
      "run",
      "--rm",
      ...(program === "podman" ? modestLimits : []),
      "golang:1.19",
      "true",
    ],
    warmUp: false,
    ...workload,
    results: workload.results.map(({ part, ...result }) => ({
      seconds: read(part),
      peakKiB: read(`${part}PeakKiB`),
      ...result,
    })),
  };
}

/** One of the figures that it prints. */
export function read(key) {
  return (stdout) => JSON.parse(stdout)[key] ?? undefined;
}
