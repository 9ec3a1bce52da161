import { runMany } from "../run-many.mjs";

export const workload = runMany("run -d of 50, eight at a time", {
  part: "start",
  count: 50,
  about: "detached containers on the default bridge",
});
