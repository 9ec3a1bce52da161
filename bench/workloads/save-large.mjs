import { runTransfer } from "../run-transfer.mjs";

export const workload = runTransfer("save", {
  name: "save, 1 GB in two layers",
  about: "to an archive in docker's form",
  targets: [{ peer: "docker", atMost: 0.6 }],
});
