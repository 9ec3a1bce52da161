// The docker that Debian builds from today, laid out in a folder of its own: a peer beside the one that this release has.
// Nothing of the machine's packages or lists changes; apt checks the signatures as ever.
//   node bench/newer-docker.mjs     fetches it when it is not there
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

// runc and tini are linked against a newer C library: the machine's own runc serves both daemons.
const packages = ["docker.io", "docker-cli", "docker-buildx", "containerd"];
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const source = `deb [signed-by=${keyring}] http://deb.debian.org/debian sid main\n`;
export const newerDockerRoot = resolve(import.meta.dirname, "../.build/newer-docker");

/** @returns the folder whose `usr` holds it, or undefined where it cannot be had */
export function fetchNewerDocker(root = newerDockerRoot) {
  if (existsSync(root)) return root;
  if (!existsSync(keyring)) return undefined;
  const work = `${root}.new`;
  rmSync(work, { recursive: true, force: true });
  for (const folder of ["lists/partial", "cache/archives/partial", "tree"])
    mkdirSync(join(work, folder), { recursive: true });
  try {
    writeFileSync(join(work, "sources.list"), source);
    const settings = [
      `Dir::Etc::sourcelist=${work}/sources.list`,
      "Dir::Etc::sourceparts=/dev/null",
      `Dir::State::lists=${work}/lists`,
      `Dir::Cache=${work}/cache`,
      "APT::Sandbox::User=root",
    ].flatMap((setting) => ["-o", setting]);
    run("apt-get", [...settings, "-qq", "update"], work);
    run("apt-get", [...settings, "-qq", "download", ...packages], work);
    for (const name of readdirSync(work).filter((file) => file.endsWith(".deb")))
      run("dpkg-deb", ["-x", name, "tree"], work);
    renameSync(join(work, "tree"), root);
    return root;
  } catch (error) {
    console.error(`set-up: the newer docker is left out: ${error.message}`);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(program, args, cwd) {
  const { status, stderr, error } = spawnSync(program, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0)
    throw new Error(`${program}: ${error?.message ?? stderr.toString().trim().split("\n")[0]}`);
}

if (process.argv[1] === import.meta.filename) console.log(fetchNewerDocker() ?? "not to be had");
