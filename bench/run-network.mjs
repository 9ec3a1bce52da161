import { join } from "node:path";

/** Traffic that bench/network.mjs makes and times. */
export function runNetwork(kind, about, more = {}) {
  const script = join(import.meta.dirname, "network.mjs");
  const command = (engine) => [process.execPath, script, kind, "bench-run", ...engine];
  return {
    name: `network: ${kind}`,
    about,
    commands: {
      lighter: ({ lighter }) => command([lighter]),
      docker: ({ docker }) => command(docker),
      podman: ({ podman }) => command(podman),
    },
    seconds: (stdout) => Number(stdout),
    // The programs that send are not the engine's.
    hasPeak: false,
    warmUp: false,
    budget: 20,
    runs: 5,
    ...more,
  };
}
