import { runBuild } from "../run-build.mjs";

export const workload = runBuild("cached-2000", {
  name: "build, fully cached, 2,000 files",
  about: "15 instructions in three stages, no file changed",
  runs: 7,
  targets: [
    { peer: "docker-28", atMost: 0.4 },
    { peer: "docker-20.10", atMost: 1 },
  ],
});
