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
      // What no engine in Node can be faster than: the runtime with the same file, and a start of Node that does nothing.
      bare: ({ bare: [runtime, folder] }) => {
        const bundle = `${folder}/bundle-${network === "host" ? "host" : "none"}`;
        return ["sh", "-c", `${runtime} run --bundle ${bundle} bench-bare-$$ && '${process.execPath}' -e 0`];
      },
    },
    targets: [
      { peer: "docker", atMost: 0.4 },
      { peer: "podman", atMost: network === "bridge" ? 0.6 : 0.9 },
      { peer: "bare", moreAtMost: 0.06 },
    ],
    expect: "42\n",
    runs: 15,
    limit: 20,
  };
}

/** By default podman raises limits above what a host that is itself a container grants. */
export const modestLimits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
