import { modestLimits } from "../run-scratch.mjs";
import { forceNow } from "../tidy.mjs";

const name = "bench-exec";
const exec = ["exec", name, "true"];

export const workload = {
  name: "exec true",
  about: "one more process in a running container",
  before: ({ words, program }) => {
    const limits = program === "podman" ? modestLimits : [];
    return [...words, "run", "-d", "--name", name, ...limits, "golang:1.19", "sleep", "600"];
  },
  commands: {
    lighter: ({ lighter }) => [lighter, ...exec],
    docker: ({ docker }) => [...docker, ...exec],
    podman: ({ podman }) => [...podman, ...exec],
  },
  after: ({ words, program }) => [...words, "rm", ...forceNow(program), name],
  targets: [{ peer: "docker", atMost: 0.5 }],
  runs: 15,
  limit: 20,
};
