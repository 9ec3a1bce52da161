import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "throughput between containers",
  "iperf3, 4 GiB from one container of a user network to another",
);
