import { runTransfer } from "../run-transfer.mjs";

export const workload = runTransfer("pull", {
  name: "pull, 480 MB in 24,000 files",
  about: "from a registry on loopback into an empty store, unpacked",
  programs: ["lighter", "docker", "podman"],
  targets: [{ peer: "docker", atMost: 0.6 }],
});
