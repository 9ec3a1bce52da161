// Compiles the container monitor (monitor/*.c).
//   node scripts/build-monitor.mjs             for this machine, into .build/monitor (any C compiler)
//   node scripts/build-monitor.mjs --prebuilt  the binaries that are in git, for every architecture whose tools are here
//   node scripts/build-monitor.mjs --into DIR  the same into another directory, to compare
// The prebuilt ones are static (musl) and the same bytes for the same sources, compiler and musl: a test compares them.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

process.chdir(join(import.meta.dirname, ".."));
const sources = readdirSync("monitor")
  .filter((name) => name.endsWith(".c"))
  .sort()
  .map((name) => `monitor/${name}`);
const flags = [
  "-std=gnu11",
  "-Os",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-static",
  "-s",
  "-ffunction-sections",
  "-Wl,--gc-sections",
  "-Wl,-z,noseparate-code",
];
const reproducible = ["-ffile-prefix-map=monitor/=", "-Wl,--build-id=none", "-fno-ident"];

/** Compilers that make static musl programs, by Node's name of the architecture. */
const targets = [
  { arch: "x64", compiler: "x86_64-linux-musl-gcc", native: "musl-gcc" },
  { arch: "arm64", compiler: "aarch64-linux-musl-gcc", native: "musl-gcc" },
];

const into = process.argv.includes("--into") ? process.argv[process.argv.indexOf("--into") + 1] : undefined;
if (into !== undefined || process.argv.includes("--prebuilt")) buildPrebuilt(into ?? "monitor/prebuilt");
else buildHere();

function buildHere() {
  mkdirSync(".build/monitor", { recursive: true });
  const compiler = ["musl-gcc", "cc", "gcc"].find(has);
  if (compiler === undefined) {
    console.error("lighter: there is no C compiler; install gcc");
    process.exit(1);
  }
  compile(compiler, ".build/monitor/lighter-monitor");
}

function buildPrebuilt(folder) {
  mkdirSync(folder, { recursive: true });
  const manifestPath = join(folder, "manifest.json");
  const manifest = existsSync(manifestPath) ? JSON.parse(readFileSync(manifestPath, "utf8")) : {};
  for (const { arch, compiler, native } of targets) {
    const program = has(compiler) ? compiler : arch === process.arch && has(native) ? native : undefined;
    if (program === undefined) continue;
    const path = join(folder, `lighter-monitor-${arch}`);
    compile(program, path, reproducible);
    manifest[arch] = {
      sources: digest(
        sources
          .concat("monitor/monitor.h")
          .map((name) => readFileSync(name))
          .join("\n"),
      ),
      sha256: digest(readFileSync(path)),
      compiler: versionOf(program),
    };
    console.log(`${path} ${readFileSync(path).length} bytes`);
  }
  writeFileSync(manifestPath, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function compile(compiler, path, more = []) {
  const { status } = spawnSync(compiler, [...flags, ...more, "-o", path, ...sources], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

function has(program) {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

function versionOf(program) {
  const gcc = spawnSync(program, ["--version"], { encoding: "utf8" })
    .stdout.split("\n")[0]
    ?.replace(/^\S+ /, "");
  const musl = spawnSync("dpkg-query", ["-W", "-f", "${Version}", "musl-dev"], { encoding: "utf8" });
  return `gcc ${gcc}, musl ${musl.status === 0 ? musl.stdout : "unknown"}`;
}

function digest(data) {
  return createHash("sha256").update(data).digest("hex");
}
