import { bounded } from "./bounded.mjs";

/** Removes what a workload that failed has left in an engine's hands; an engine that cannot even do that keeps it. */
export async function tidy({ engine, program, words }) {
  if (words === undefined || !["lighter", "docker", "podman"].includes(program)) return;
  try {
    const { stdout } = await bounded([...words, "ps", "-aq"], { limit: 20 });
    const ids = stdout.split("\n").filter(Boolean);
    if (ids.length > 0) await bounded([...words, "rm", ...forceNow(program), ...ids], { limit: 60 });
    const networks = await bounded([...words, "network", "ls", "-q", "--filter", "name=bench"], {
      limit: 20,
    });
    const names = networks.stdout.split("\n").filter(Boolean);
    if (names.length > 0) await bounded([...words, "network", "rm", ...names], { limit: 20 });
  } catch (error) {
    console.log(`bench:     ${engine}: tidying up: ${error.message}`);
  }
}

/** The flags of `rm` that end a container as docker does it: podman would ask it first, and wait ten seconds. */
export function forceNow(program) {
  return program === "podman" ? ["-f", "-t", "0"] : ["-f"];
}
