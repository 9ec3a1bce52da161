import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "throughput by a published port",
  "iperf3, 4 GiB from the host to 127.0.0.1:PORT",
  // Seconds for as much: 0.98 of its rate.
  { targets: [{ peer: "docker", atMost: 1.02 }] },
);
