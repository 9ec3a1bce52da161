import { runBuild } from "../run-build.mjs";

export const workload = runBuild("four-stages", {
  name: "build, four stages of 2 s",
  about: "independent stages that sleep",
  warmUp: false,
  runs: 3,
  targets: [{ atMost: 0.8 }],
});
