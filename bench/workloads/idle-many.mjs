import { runMany } from "../run-many.mjs";

export const workload = {
  ...runMany("memory with 50 idle", {
    part: "memory",
    count: 50,
    about:
      "what the engine's own processes hold (proportional set size) while 50 containers sleep; seconds: the whole run",
  }),
  seconds: undefined,
  peakKiB: Number,
  isWholeMemory: true,
  runs: 1,
};
