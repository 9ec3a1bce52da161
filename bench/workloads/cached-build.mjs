// Everything was built before: what is measured is how fast an engine sees that there is nothing to do.
export const workload = {
  stage: "builds",
  name: "rebuild, fully cached",
  about: "the two-stage calculator, no file changed",
  commands: {
    lighter: ({ lighter, work }) => [lighter, "build", "-q", "-t", "bench-calculator", `${work}/context`],
    docker: ({ docker, work }) => [...docker, "build", "-q", "-t", "bench-calculator", `${work}/context`],
    buildah: ({ buildah, work }) => [
      ...buildah,
      "build",
      "--layers",
      "--isolation=chroot",
      "-q",
      "-t",
      "bench-calculator",
      `${work}/context`,
    ],
    podman: ({ podman, work }) => [
      ...podman,
      "build",
      "--layers",
      "--isolation=chroot",
      "-q",
      "-t",
      "bench-calculator",
      `${work}/context`,
    ],
  },
  runs: 5,
};
