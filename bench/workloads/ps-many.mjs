import { runMany } from "../run-many.mjs";

export const workload = runMany("ps with 50", {
  part: "ps",
  count: 50,
  about: "the list of 50 running containers; median of five",
});
