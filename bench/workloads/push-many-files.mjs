const run = (engine, words, work) => [process.execPath, "bench/registry.mjs", "push", work, engine, ...words];

export const workload = {
  name: "push, 480 MB in 24,000 files",
  about: "to an empty registry on loopback, layers compressed anew",
  commands: {
    lighter: ({ lighter, work }) => run("lighter", [lighter], work),
    docker: ({ docker, work, name }) => run(name, docker, work),
    podman: ({ podman, work }) => run("podman", podman, work),
  },
  // The commands time themselves: starting the registry is not measured.
  seconds: (stdout) => Number(stdout),
  runs: 3,
  targets: [{ atMost: 0.8 }],
};
