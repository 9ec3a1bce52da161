import { runBuild } from "../run-build.mjs";

export const workload = runBuild("cold-many", {
  name: "build, COPY of 50,000 files, cold",
  about: "300 MB, from a directory that no engine has seen",
  warmUp: false,
  runs: 3,
  targets: [{ atMost: 0.3 }, { memory: true, megabytesAtMost: 300 }],
});
