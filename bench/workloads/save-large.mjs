const run = (engine, words, work) => [process.execPath, "bench/archives.mjs", "save", work, engine, ...words];

export const workload = {
  name: "save, 1 GB in two layers",
  about: "to an archive in docker's form",
  commands: {
    lighter: ({ lighter, work }) => run("lighter", [lighter], work),
    docker: ({ docker, work, name }) => run(name, docker, work),
    podman: ({ podman, work }) => run("podman", podman, work),
  },
  // The commands time themselves: making the image is not measured.
  seconds: (stdout) => Number(stdout),
  runs: 3,
  targets: [{ atMost: 0.6 }],
};
