/** `run --rm` of the image with one file in it, on one network. */
export function runScratch(network) {
  const rest = ["--rm", "--network", network, "bench-run", "6", "x", "7"];
  return {
    name: `run --rm, network ${network}`,
    about: "the scratch image of the calculator: start, compute, remove",
    commands: {
      lighter: ({ lighter }) => [lighter, "run", ...rest],
      docker: ({ docker }) => [...docker, "run", ...rest],
      podman: ({ podman }) => [...podman, "run", ...modestLimits, ...rest],
    },
    expect: "42\n",
    runs: 10,
  };
}

// By default podman raises limits above what a host that is itself a container grants.
const modestLimits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
