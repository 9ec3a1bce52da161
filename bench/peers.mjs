// The peers, each with a store of its own inside the benchmark's work folder.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

/** Which of docker, buildah and podman are installed. */
export function findPeers() {
  const find = (...paths) => paths.find((path) => existsSync(path));
  const dockerd = find("/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd");
  return {
    // The client that came with the daemon: a newer one may want a plug-in to build.
    docker: dockerd === undefined ? undefined : find("/usr/bin/docker", "/usr/local/bin/docker"),
    dockerd,
    buildah: find("/usr/bin/buildah", "/usr/local/bin/buildah"),
    podman: find("/usr/bin/podman", "/usr/local/bin/podman"),
  };
}

/** Starts what has to run, loads the images, and gives the beginning of each peer's command line. */
export async function startPeers(found, work) {
  const commands = {};
  const versions = { lighter: firstLine("bin/lighter", ["version"]) };
  const daemon = found.docker === undefined ? undefined : await startDocker(found, join(work, "docker"));
  if (daemon !== undefined) add("docker", daemon.command, ["load", "-i"]);
  for (const name of ["podman", "buildah"]) {
    if (found[name] === undefined) continue;
    // Both keep their images in containers/storage: one store serves them, as on any machine that has both.
    const store = ["--root", join(work, "containers"), "--runroot", join(work, "containers-run")];
    add(name, [found[name], ...store], name === "podman" ? ["load", "-i"] : undefined);
  }
  return { commands, versions, stop: async () => await daemon?.stop() };

  function add(name, command, load) {
    const archives = ["base.tar", "run.tar"].map((file) => join(work, file));
    const loadsAll = archives.every((file) =>
      load === undefined ? pull(command, file) : succeeds(name, [...command, ...load, file]),
    );
    if (!loadsAll) return;
    commands[name] = command;
    versions[name] = firstLine(command[0], ["--version"]);
  }

  function pull(command, file) {
    return (
      commands.podman !== undefined || succeeds("buildah", [...command, "pull", `docker-archive:${file}`])
    );
  }
}

async function startDocker({ docker, dockerd }, work) {
  mkdirSync(work, { recursive: true });
  const socket = `unix://${join(work, "docker.sock")}`;
  const log = openSync(join(work, "log"), "w");
  const args = ["--data-root", join(work, "data"), "--exec-root", join(work, "exec"), "-H", socket];
  const child = spawn(dockerd, [...args, "--pidfile", join(work, "pid")], { stdio: ["ignore", log, log] });
  const exited = new Promise((resolve) => child.once("close", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
  };
  // DOCKER_BUILDKIT for clients that still ask; --config keeps the user's settings out.
  process.env.DOCKER_BUILDKIT = "1";
  const command = [docker, "--config", join(work, "config"), "-H", socket];
  for (let attempt = 0; attempt < 150 && child.exitCode === null; attempt += 1) {
    if (spawnSync(command[0], [...command.slice(1), "version"]).status === 0) return { command, stop };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  console.log(`bench: docker left out: dockerd did not start; its log is ${join(work, "log")}`);
  await stop();
  return undefined;
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
