import { runBuild } from "../run-build.mjs";

export const workload = runBuild("export", {
  name: "build, export as compressed OCI archive",
  about: "5,000 incompressible files, 30 MB: build and archive; docker through gzip",
  runs: 5,
  targets: [{ atMost: 0.6 }],
});
