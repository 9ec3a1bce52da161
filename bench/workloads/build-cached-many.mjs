import { runBuild } from "../run-build.mjs";

export const workload = runBuild("cached-many", {
  name: "build, fully cached, 50,000 files",
  about: "COPY of 50,000 files, none changed",
  warmUp: false,
  runs: 5,
  targets: [{ atMost: 0.3 }],
});
