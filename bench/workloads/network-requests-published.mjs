import { runNetwork } from "../run-network.mjs";

export const workload = runNetwork(
  "requests by a published port",
  "the same from the host by 127.0.0.1:PORT",
);
