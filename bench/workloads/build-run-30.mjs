import { runBuild } from "../run-build.mjs";

export const workload = runBuild("run-30", {
  name: "build, 30 RUN steps",
  about: "one after another on the 850 MB base of the example",
  warmUp: false,
  runs: 3,
  targets: [{ atMost: 0.3 }],
});
