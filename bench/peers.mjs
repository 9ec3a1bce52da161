// The peers, each with a store of its own inside the benchmark's work folder.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { bounded } from "./bounded.mjs";
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
 *
 * @param archives what each is to load; one that cannot is among the `broken` with the reason
 * @param apart whether each daemon gets a network namespace of its own
 */
export async function startPeers(found, { place, archives, without, apart }) {
  const commands = {};
  const versions = {};
  const broken = {};
  const pids = {};
  for (const docker of found.dockers) {
    const version = firstLine(docker.dockerd, ["--version"]);
    const name = `docker-${/version (2[0-2]\.\d+|\d+)/.exec(version)?.[1] ?? "unknown"}`;
    if (versions[name] !== undefined || without.includes(name)) continue;
    versions[name] = version;
    await orBroken(name, async () => {
      const count = Object.keys(pids).length;
      const { command, pid } = await startDocker(docker, { folder: join(place, name), count, apart });
      pids[name] = pid;
      for (const archive of archives) await bounded([...command, "load", "-i", archive], { limit: 180 });
      commands[name] = command;
    });
  }
  // Both keep their images in containers/storage: one store serves them, as on any machine that has both.
  const store = ["--root", join(place, "containers"), "--runroot", join(place, "containers-run")];
  // A box knows no systemd that would make cgroups.
  const podman = ["--cgroup-manager=cgroupfs", "--network-config-dir", join(place, "containers-networks")];
  const stored = ["podman", "buildah"].filter((name) => found[name] !== undefined && !without.includes(name));
  for (const name of stored) {
    versions[name] = firstLine(found[name], ["--version"]);
    const command = [found[name], ...(name === "podman" ? podman : []), ...store];
    await orBroken(name, async () => {
      const get =
        name === "podman" ? (file) => ["load", "-i", file] : (file) => ["pull", `docker-archive:${file}`];
      const isThere = commands.podman !== undefined;
      for (const archive of isThere ? [] : archives)
        await bounded([...command, ...get(archive)], { limit: 180 });
      commands[name] = command;
    });
  }
  // It keeps no images that could be loaded.
  if (found.skopeo !== undefined && !without.includes("skopeo")) {
    commands.skopeo = [found.skopeo];
    versions.skopeo = firstLine(found.skopeo, ["--version"]);
  }
  return { commands, versions, broken, daemons: pids };

  async function orBroken(name, task) {
    console.log(`bench:   ${versions[name]}`);
    try {
      await task();
    } catch (error) {
      broken[name] = error.message;
      console.log(`bench:   ${name} is left out: ${error.message}`);
    }
  }
}

/** Words before a command: the rest of them runs in a network namespace of its own. */
export const inOwnNetwork = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

async function startDocker({ docker, dockerd, path, buildx }, { folder, count, apart }) {
  mkdirSync(join(folder, "config/cli-plugins"), { recursive: true });
  if (buildx !== undefined) symlinkNew(buildx, join(folder, "config/cli-plugins/docker-buildx"));
  const socket = `unix://${join(folder, "docker.sock")}`;
  const log = join(folder, "log");
  const fd = openSync(log, "w");
  // Daemons of one network namespace need a bridge each.
  const bridge = apart || count === 0 ? [] : ["--bridge", makeBridge(count)];
  const places = ["data", "exec", "pid"].map((part) => join(folder, part));
  const flags = ["--data-root", "--exec-root", "--pidfile"].flatMap((flag, at) => [flag, places[at]]);
  // A box knows no systemd that would make cgroups.
  const driver = ["--exec-opt", "native.cgroupdriver=cgroupfs"];
  // What runs first becomes the daemon: its process is the child.
  const [program, ...words] = [...(apart ? inOwnNetwork : []), dockerd, ...flags, ...driver, ...bridge];
  const child = spawn(program, [...words, "-H", socket], {
    stdio: ["ignore", fd, fd],
    env: { ...process.env, PATH: path + process.env.PATH },
  });
  closeSync(fd);
  // It ends with the box, and keeps nobody waiting.
  child.unref();
  child.once("error", () => undefined);
  // DOCKER_BUILDKIT for clients that still ask; --config keeps the user's settings out.
  process.env.DOCKER_BUILDKIT = "1";
  const command = [docker, "--config", join(folder, "config"), "-H", socket];
  for (let attempt = 0; attempt < 150 && child.exitCode === null; attempt += 1) {
    if (spawnSync(command[0], [...command.slice(1), "version"], { timeout: 10_000 }).status === 0)
      return { command, pid: child.pid };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  child.kill("SIGKILL");
  const last = readFileSync(log, "utf8").trim().split("\n").at(-1);
  throw new Error(`dockerd did not start: ${last}`);
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

/** The first line that a program prints. */
export function firstLine(program, args) {
  return spawnSync(program, args).stdout?.toString().split("\n")[0];
}
