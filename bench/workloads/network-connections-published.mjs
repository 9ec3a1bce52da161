import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "connections by a published port",
  "5,000 connections by 127.0.0.1:PORT, a byte there and back on each",
  // Seconds for as much: three times its rate.
  { targets: [{ peer: "docker", atMost: 0.33 }] },
);
