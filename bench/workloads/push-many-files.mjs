import { runTransfer } from "../run-transfer.mjs";

export const workload = runTransfer("push", {
  name: "push, 480 MB in 24,000 files",
  about: "to an empty registry on loopback, layers compressed anew",
  targets: [{ peer: "docker", atMost: 0.8 }],
});
