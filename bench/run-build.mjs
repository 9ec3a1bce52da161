/** A build that bench/build.mjs prepares and times; every engine can be left out by name. */
export function runBuild(kind, { without = [], ...workload }) {
  const run =
    (program) =>
    ({ work, name: engine, [program]: command }) => [
      process.execPath,
      "bench/build.mjs",
      kind,
      work,
      engine,
      ...[command].flat(),
    ];
  const engines = ["lighter", "docker", "buildah"].filter((engine) => !without.includes(engine));
  return {
    stage: "builds",
    commands: Object.fromEntries(engines.map((engine) => [engine, run(engine)])),
    // The commands measure themselves: making the context is no part of it.
    seconds: (stdout) => Number(stdout.split(" ")[0]),
    peakKiB: (stdout) => Number(stdout.split(" ")[1]) || undefined,
    limit: 150,
    budget: 45,
    ...workload,
  };
}
