// The peers, each with a store of its own inside the benchmark's work folder.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, rmSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { newerDockerRoot } from "./newer-docker.mjs";

/** Which of docker, buildah, podman and skopeo are installed; of docker maybe two versions. */
export function findPeers() {
  const find = (...paths) => paths.find((path) => existsSync(path));
  const dockers = [
    {
      dockerd: find("/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd"),
      // The client that came with the daemon: a newer one may want a plug-in to build.
      docker: find("/usr/bin/docker", "/usr/local/bin/docker"),
      path: "",
    },
    {
      dockerd: find(join(newerDockerRoot, "usr/sbin/dockerd")),
      docker: find(join(newerDockerRoot, "usr/bin/docker")),
      path: ["usr/bin", "usr/sbin"].map((folder) => join(newerDockerRoot, folder) + delimiter).join(""),
      buildx: find(join(newerDockerRoot, "usr/libexec/docker/cli-plugins/docker-buildx")),
    },
  ];
  return {
    dockers: dockers.filter(({ docker, dockerd }) => docker !== undefined && dockerd !== undefined),
    buildah: find("/usr/bin/buildah", "/usr/local/bin/buildah"),
    podman: find("/usr/bin/podman", "/usr/local/bin/podman"),
    skopeo: find("/usr/bin/skopeo", "/usr/local/bin/skopeo"),
  };
}

/**
 * Starts what has to run, loads the images, and gives the beginning of each peer's command line. The name of a peer is that
 * of its program, for docker with the version behind it: `docker-28`.
 */
export async function startPeers(found, work) {
  const commands = {};
  const versions = { lighter: firstLine("bin/lighter", ["version"]) };
  const daemons = [];
  const pids = {};
  for (const docker of found.dockers) {
    const version = firstLine(docker.dockerd, ["--version"]);
    const name = `docker-${/version (2[0-2]\.\d+|\d+)/.exec(version)?.[1] ?? "unknown"}`;
    if (commands[name] !== undefined) continue;
    const daemon = await startDocker(docker, { name, folder: join(work, name), place: daemons.length });
    if (daemon === undefined) continue;
    daemons.push(daemon);
    pids[name] = daemon.pid;
    add(name, daemon.command, { load: ["load", "-i"], version });
  }
  for (const name of ["podman", "buildah"]) {
    if (found[name] === undefined) continue;
    // Both keep their images in containers/storage: one store serves them, as on any machine that has both.
    const store = ["--root", join(work, "containers"), "--runroot", join(work, "containers-run")];
    add(name, [found[name], ...store], { load: name === "podman" ? ["load", "-i"] : undefined });
  }
  // It keeps no images that could be loaded.
  if (found.skopeo !== undefined) {
    commands.skopeo = [found.skopeo];
    versions.skopeo = firstLine(found.skopeo, ["--version"]);
  }
  return {
    commands,
    versions,
    daemons: pids,
    async stop() {
      for (const daemon of daemons) await daemon.stop();
    },
  };

  function add(name, command, { load, version = firstLine(command[0], ["--version"]) }) {
    const archives = ["base.tar", "run.tar"].map((file) => join(work, file));
    const loadsAll = archives.every((file) =>
      load === undefined ? pull(command, file) : has(command) || succeeds(name, [...command, ...load, file]),
    );
    if (!loadsAll) return;
    commands[name] = command;
    versions[name] = version;
  }

  /** A work folder that was kept has them: the second archive's image is loaded last. */
  function has(command) {
    return spawnSync(command[0], [...command.slice(1), "image", "inspect", "bench-run"]).status === 0;
  }

  function pull(command, file) {
    return (
      commands.podman !== undefined || succeeds("buildah", [...command, "pull", `docker-archive:${file}`])
    );
  }
}

async function startDocker({ docker, dockerd, path, buildx }, { name, folder, place }) {
  mkdirSync(join(folder, "config/cli-plugins"), { recursive: true });
  if (buildx !== undefined) symlinkNew(buildx, join(folder, "config/cli-plugins/docker-buildx"));
  const socket = `unix://${join(folder, "docker.sock")}`;
  const log = openSync(join(folder, "log"), "w");
  // Daemons of one network namespace need a bridge each.
  const bridge = place === 0 ? [] : ["--bridge", makeBridge(place)];
  const places = ["data", "exec", "pid"].map((part) => join(folder, part));
  const flags = ["--data-root", "--exec-root", "--pidfile"].flatMap((flag, at) => [flag, places[at]]);
  const child = spawn(dockerd, [...flags, ...bridge, "-H", socket], {
    stdio: ["ignore", log, log],
    env: { ...process.env, PATH: path + process.env.PATH },
  });
  const exited = new Promise((resolve) => child.once("close", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
  };
  // DOCKER_BUILDKIT for clients that still ask; --config keeps the user's settings out.
  process.env.DOCKER_BUILDKIT = "1";
  const command = [docker, "--config", join(folder, "config"), "-H", socket];
  for (let attempt = 0; attempt < 150 && child.exitCode === null; attempt += 1) {
    if (spawnSync(command[0], [...command.slice(1), "version"]).status === 0)
      return { command, stop, pid: child.pid };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  console.log(`bench: ${name} left out: dockerd did not start; its log is ${join(folder, "log")}`);
  await stop();
  return undefined;
}

function symlinkNew(target, path) {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function makeBridge(place) {
  const name = `bench${place}`;
  for (const words of [
    ["link", "add", name, "type", "bridge"],
    ["addr", "add", `172.31.${place}.1/24`, "dev", name],
    ["link", "set", name, "up"],
  ])
    spawnSync("ip", words, { stdio: "ignore" });
  return name;
}

function succeeds(name, [program, ...args]) {
  const { status, stderr } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0)
    console.log(`bench: ${name} left out: ${args.at(-2)}: ${stderr.toString().trim().split("\n")[0]}`);
  return status === 0;
}

function firstLine(program, args) {
  return spawnSync(program, args).stdout?.toString().split("\n")[0];
}
