import { read, runMany } from "../run-many.mjs";

export const workload = runMany(Number(process.env.BENCH_CONTAINERS ?? 50), {
  name: "50 containers",
  about: "detached on the default bridge, eight at a time; then one command that ends and removes them",
  results: [
    {
      name: "run -d of 50, eight at a time",
      part: "start",
      targets: [
        { peer: "docker", atMost: 0.4 },
        { peer: "podman", atMost: 0.7 },
      ],
    },
    { name: "ps with 50", part: "list" },
    { name: "rm -f of 50", part: "remove", targets: [{ peer: "docker", atMost: 0.4 }] },
    {
      // The engine's own processes, proportional set size, while the containers sleep.
      name: "memory with 50 idle",
      isMemory: true,
      peakKiB: read("engineKiB"),
      targets: [{ memory: true, peer: "docker", atMost: 1 }],
    },
  ],
  runs: 3,
  limit: 90,
});
