import { runBuild } from "../run-build.mjs";

export const workload = runBuild("one-changed", {
  name: "build, one of 50,000 files changed",
  about: "300 MB",
  warmUp: false,
  runs: 3,
  targets: [{ atMost: 0.2 }],
});
