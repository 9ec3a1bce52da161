import { runTransfer } from "../run-transfer.mjs";

export const workload = runTransfer("load", {
  name: "load, 1 GB in two layers",
  about: "from an archive in docker's form, into a store that does not have it",
  targets: [{ peer: "docker", atMost: 0.6 }],
});
