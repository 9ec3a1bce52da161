import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "requests between containers",
  "20,000 times a byte there and one back, on one connection",
  // Seconds for as much: 0.98 of its rate.
  { targets: [{ peer: "docker", atMost: 1.02 }] },
);
