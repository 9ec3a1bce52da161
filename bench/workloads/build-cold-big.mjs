import { runBuild } from "../run-build.mjs";

export const workload = runBuild("cold-big", {
  name: "build, COPY of 1 GiB, cold",
  about: "one incompressible file whose first bytes are new each time",
  warmUp: false,
  runs: 3,
  targets: [{ atMost: 0.3 }, { memory: true, megabytesAtMost: 300 }],
});
