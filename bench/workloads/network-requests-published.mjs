import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "requests by a published port",
  "the same from the host by 127.0.0.1:PORT",
  // Seconds for as much: 1.4 times its rate.
  { targets: [{ peer: "docker", atMost: 0.71 }] },
);
