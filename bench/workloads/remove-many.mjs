import { runMany } from "../run-many.mjs";

export const workload = runMany("rm -f of 50", {
  part: "remove",
  count: 50,
  about: "one command that ends and removes 50 running containers",
});
