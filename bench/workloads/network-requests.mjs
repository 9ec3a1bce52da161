import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "requests between containers",
  "20,000 times a byte there and one back, on one connection",
);
