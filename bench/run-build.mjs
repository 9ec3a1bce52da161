/** A build that bench/build.mjs prepares and times; every engine can be left out by name. */
export function runBuild(kind, { name, about, runs, without = [] }) {
  const run =
    (engine) =>
    ({ work, [engine]: command }) => [
      process.execPath,
      "bench/build.mjs",
      kind,
      work,
      engine,
      ...[command].flat(),
    ];
  const engines = ["lighter", "docker", "buildah"].filter((engine) => !without.includes(engine));
  return {
    name,
    about,
    commands: Object.fromEntries(engines.map((engine) => [engine, run(engine)])),
    // The commands time themselves: making the context is not measured.
    seconds: (stdout) => Number(stdout),
    runs,
  };
}
