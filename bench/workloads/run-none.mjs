import { runScratch } from "../run-scratch.mjs";

export const workload = runScratch("none");
