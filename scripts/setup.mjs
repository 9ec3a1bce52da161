// All the set-up: npm packages, system packages, the bundle. Only what is missing; a second run does nothing.
//   node scripts/setup.mjs [--test] [--bench]     with what the tests or the benchmark need besides
// Plain Node only: this runs before there is any package.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";

process.chdir(join(import.meta.dirname, ".."));
const wants = ["run", ...["test", "bench"].filter((name) => process.argv.includes(`--${name}`))];
const stamps = ".build/setup";

checkNode("20.19.0");
const didWork = [installNpmPackages(), installSystemPackages(wants), build(), buildPrograms()].some(Boolean);
if (wants.includes("bench")) (await import("../bench/newer-docker.mjs")).fetchNewerDocker();
if (didWork) console.log("set-up: done");

function checkNode(wanted) {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  fail(`lighter needs Node ${wanted} or newer; this is ${process.versions.node}`);
}

function installNpmPackages() {
  const lock = digest(readFileSync("package-lock.json"));
  if (existsSync("node_modules/esbuild") && readStamp("npm") === lock) return false;
  console.log("set-up: npm packages (npm ci)");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeStamp("npm", lock);
  return true;
}

/** What the engine, the tests and the benchmark start or load, and the Debian package that holds it. */
function needs() {
  return [
    { for: "run", package: "crun", present: () => hasProgram("crun") || hasProgram("runc") },
    {
      for: "run",
      package: "libnftables1",
      present: () => hasLibrary("libnftables.so.1") || hasProgram("nft"),
    },
    // Layers are compressed in half the time with it; zlib serves without.
    { for: "run", package: "libdeflate0", isOptional: true, present: () => hasLibrary("libdeflate.so.0") },
    { for: "test", package: "busybox-static", present: () => hasProgram("busybox") },
    { for: "test", package: "iproute2", present: () => hasProgram("ip") },
    { for: "test", package: "nftables", present: () => hasProgram("nft") },
    { for: "test", package: "runc", present: () => hasProgram("runc") },
    { for: "test", package: "skopeo", present: () => hasProgram("skopeo") },
    { for: "test", package: "umoci", present: () => hasProgram("umoci") },
    { for: "test", package: "docker-registry", present: () => hasProgram("docker-registry") },
    { for: "test", package: "xz-utils", present: () => hasProgram("xz") },
    { for: "test", package: "openssh-client", present: () => hasProgram("ssh-add") },
    { for: "test", package: "zstd", present: () => hasProgram("zstd") },
    { for: "bench", package: "time", present: () => hasProgram("time") },
    { for: "bench", package: "iproute2", present: () => hasProgram("ip") },
    { for: "bench", package: "docker.io", present: () => hasProgram("dockerd") },
    { for: "bench", package: "buildah", present: () => hasProgram("buildah") },
    { for: "bench", package: "podman", present: () => hasProgram("podman") },
    // Both only recommended by what podman needs: its networks, and the names on them.
    { for: "bench", package: "netavark", present: () => existsSync("/usr/lib/podman/netavark") },
    { for: "bench", package: "aardvark-dns", present: () => existsSync("/usr/lib/podman/aardvark-dns") },
    { for: "bench", package: "skopeo", present: () => hasProgram("skopeo") },
    { for: "bench", package: "docker-registry", present: () => hasProgram("docker-registry") },
    { for: "bench", package: "busybox-static", present: () => hasProgram("busybox") },
    { for: "bench", package: "iperf3", present: () => hasProgram("iperf3") },
    { for: "bench", package: "gcc", present: () => hasProgram("cc") },
    { for: "bench", package: "libc6-dev", present: () => existsSync("/usr/include/stdio.h") },
  ];
}

function installSystemPackages(purposes) {
  const missing = needs().filter((need) => purposes.includes(need.for) && !need.present());
  const packages = [...new Set(missing.map((need) => need.package))];
  if (packages.length === 0) return false;
  if (process.getuid?.() !== 0 || !hasProgram("apt-get")) {
    explain(packages, missing);
    return false;
  }
  console.log(`set-up: system packages (apt-get install ${packages.join(" ")})`);
  withoutServices(() => {
    const apt = ["-o", "Dpkg::Use-Pty=0", "-qq"];
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    if (!tryRun("apt-get", [...apt, "update"], env))
      console.error("set-up: apt-get update failed; trying with the lists there are");
    const install = [...apt, "install", "-y", "--no-install-recommends"];
    // One that this release lacks keeps apt from installing any.
    if (!tryRun("apt-get", [...install, ...packages], env) && packages.length > 1)
      for (const name of packages) tryRun("apt-get", [...install, name], env);
  });
  const left = missing.filter((need) => !need.present());
  const names = left.map((need) => need.package).join(" ");
  if (left.some(isIndispensable)) fail(`apt-get could not install ${names}`);
  if (left.length > 0)
    console.error(`set-up: left out, so tests or peers that need them are skipped: ${names}`);
  return true;
}

function isIndispensable(need) {
  return need.for === "run" && !need.isOptional;
}

/** Packages such as docker.io start a service when they are installed; a set-up leaves nothing running. */
function withoutServices(work) {
  const policy = "/usr/sbin/policy-rc.d";
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    work();
  } finally {
    if (isOurs) rmSync(policy, { force: true });
  }
}

function explain(packages, missing) {
  const why = process.getuid?.() === 0 ? "there is no apt-get here" : "this is not root";
  console.error(`
lighter needs programs that are not on this machine, and set-up cannot install them: ${why}.

  On Debian or Ubuntu:   sudo apt-get install --no-install-recommends ${packages.join(" ")}
  On Fedora:             sudo dnf install ${packages.map((name) => ({ "docker.io": "moby-engine" })[name] ?? name).join(" ")}
  On Alpine:             sudo apk add ${packages.map((name) => ({ "docker.io": "docker" })[name] ?? name).join(" ")}
`);
  if (missing.some(isIndispensable)) process.exit(1);
  console.error("The tests or peers that need them are skipped.\n");
}

function build() {
  const began = new Date();
  const inputs = [...fingerprints("src"), fingerprint("package.json"), fingerprint("scripts/build.mjs")];
  const sources = digest(JSON.stringify(inputs));
  const isBuilt = existsSync("dist/cli/cli.js") && existsSync("dist/types/engine/index.d.ts");
  if (isBuilt && readStamp("build") === sources) {
    // bin/lighter looks only at the times of folders, which a test that came or went has changed, too.
    utimesSync("dist/cli/cli.js", began, began);
    return false;
  }
  console.log("set-up: dist (node scripts/build.mjs --types)");
  run(process.execPath, ["scripts/build.mjs", "--types"]);
  writeStamp("build", sources);
  return true;
}

/** Only where they do not come with lighter. */
function buildPrograms() {
  const isThere = (program) =>
    [`${program}/prebuilt/lighter-${program}-${process.arch}`, `.build/${program}/lighter-${program}`].some(
      (path) => existsSync(path),
    );
  if (["monitor", "resolver"].every(isThere)) return false;
  console.log("set-up: the programs in C (node scripts/build-programs.mjs)");
  run(process.execPath, ["scripts/build-programs.mjs"]);
  return true;
}

function* fingerprints(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* fingerprints(path);
    else if (!entry.name.endsWith(".test.ts")) yield fingerprint(path);
  }
}

function fingerprint(path) {
  const { size, mtimeMs } = statSync(path);
  return [path, size, mtimeMs];
}

function hasProgram(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => existsSync(join(folder, name)));
}

function hasLibrary(name) {
  const roots = ["/usr/lib", "/lib", "/usr/lib64"];
  const multiarch = ["x86_64-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf", "riscv64-linux-gnu"];
  return roots
    .flatMap((root) => [root, ...multiarch.map((name) => join(root, name))])
    .some((folder) => existsSync(join(folder, name)));
}

function digest(data) {
  return createHash("sha256").update(data).digest("hex");
}

function readStamp(name) {
  const path = join(stamps, name);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function writeStamp(name, value) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), value);
}

function tryRun(program, args, env = process.env) {
  return spawnSync(program, args, { stdio: ["ignore", "inherit", "inherit"], env }).status === 0;
}

function run(program, args) {
  if (!tryRun(program, args)) fail(`${program} ${args.join(" ")} failed`);
}

function fail(sentence) {
  console.error(`set-up: ${sentence}`);
  process.exit(1);
}
