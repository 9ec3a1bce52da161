import { runMany } from "../run-many.mjs";

export const workload = runMany("exec true", {
  part: "exec",
  count: 1,
  about: "one more process in a running container; median of five",
});
