import { join } from "node:path";

const script = join(import.meta.dirname, "../network-create.mjs");
const command = (words) => [process.execPath, script, ...words];

export const workload = {
  stage: "networks",
  name: "network create and rm",
  about: "makes a bridge network and removes it: two commands",
  commands: {
    lighter: ({ lighter }) => command([lighter]),
    docker: ({ docker }) => command(docker),
    podman: ({ podman }) => command(podman),
  },
  results: [
    {
      name: "network create",
      seconds: (stdout) => JSON.parse(stdout).create,
      targets: [{ peer: "docker", atMost: 0.3 }],
    },
    { name: "network rm", seconds: (stdout) => JSON.parse(stdout).remove },
  ],
  hasPeak: false,
  runs: 15,
  limit: 20,
};
