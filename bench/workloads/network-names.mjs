import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "name look-ups",
  "500 questions for the address of a neighbour, a millisecond apart",
  { targets: [{ peer: "docker", atMost: 0.7 }] },
);
