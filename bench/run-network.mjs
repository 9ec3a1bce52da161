import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inOwnNetwork } from "./peers.mjs";

/** Traffic that bench/network.mjs makes and times, in a network namespace that has this engine's rules and no other's. */
export function runNetwork(kind, about, more = {}) {
  const script = join(import.meta.dirname, "network.mjs");
  const command = (engine) => [process.execPath, script, kind, "bench-run", ...engine];
  return {
    name: `network: ${kind}`,
    about,
    stage: "networks",
    commands: {
      lighter: ({ lighter }) => [...inOwnNetwork, ...command([lighter])],
      docker: ({ docker, work, name }) => {
        const daemon = readFileSync(join(work, name, "pid"), "utf8").trim();
        return ["nsenter", `--net=/proc/${daemon}/ns/net`, ...command(docker)];
      },
      podman: ({ podman }) => [...inOwnNetwork, ...command(podman)],
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
