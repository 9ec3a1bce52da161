import { runMany } from "../run-many.mjs";

export const workload = runMany(4 * Number(process.env.BENCH_CONTAINERS ?? 50), {
  name: "200 containers",
  about: "the list of 200 running containers; median of nine",
  results: [{ name: "ps with 200", part: "list", targets: [{ secondsAtMost: 0.12 }] }],
  runs: 1,
  limit: 150,
});
