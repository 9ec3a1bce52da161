import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "throughput between containers",
  "iperf3, 4 GiB from one container of a user network to another",
  // Seconds for as much: 0.98 of its rate.
  { targets: [{ peer: "docker", atMost: 1.02 }] },
);
