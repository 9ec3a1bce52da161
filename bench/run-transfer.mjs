/** A workload that moves an image: see transfer.mjs, which times itself. */
export function runTransfer(verb, { programs = ["lighter", "docker", "podman", "skopeo"], ...workload }) {
  const run = (name, words, work) => [process.execPath, "bench/transfer.mjs", verb, work, name, ...words];
  return {
    stage: "images",
    commands: Object.fromEntries(
      programs.map((program) => [
        program,
        ({ work, name, [program]: words }) => run(name, [words].flat(), work),
      ]),
    ),
    seconds: (stdout) => Number(stdout.split(" ")[0]),
    peakKiB: (stdout) => Number(stdout.split(" ")[1]) || undefined,
    bytes: (stdout) => Number(stdout.split(" ")[2]) || undefined,
    warmUp: false,
    limit: 120,
    budget: 60,
    runs: 3,
    ...workload,
  };
}
