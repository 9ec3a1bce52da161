const run = (engine, words, work) => [process.execPath, "bench/archives.mjs", "load", work, engine, ...words];

export const workload = {
  name: "load, 1 GB in two layers",
  about: "from an archive in docker's form, into a store that does not have it",
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
