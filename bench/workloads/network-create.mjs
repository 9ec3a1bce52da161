const program = (command) =>
  `${command.map((word) => `'${word}'`).join(" ")} network create bench-net >/dev/null && ${command.map((word) => `'${word}'`).join(" ")} network rm bench-net`;

export const workload = {
  name: "network create and rm",
  about: "makes a bridge network and removes it: two commands",
  commands: {
    lighter: ({ lighter }) => ["sh", "-c", program([lighter])],
    docker: ({ docker }) => ["sh", "-c", program(docker)],
    podman: ({ podman }) => ["sh", "-c", program(podman)],
  },
  expect: "bench-net\n",
  runs: 10,
};
