// Compiles the programs in C: the container monitor (monitor/*.c) and the resolver of names (resolver/*.c).
//   node scripts/build-programs.mjs             for this machine, into .build/<folder> (any C compiler)
//   node scripts/build-programs.mjs --prebuilt  the binaries that are in git, for every architecture whose tools are here
//   node scripts/build-programs.mjs --into DIR  the same into DIR/<folder>, to compare
// With the name of one, only that.
// The prebuilt ones are static (musl) and the same bytes for the same sources, compiler and musl: a test compares them.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

process.chdir(join(import.meta.dirname, ".."));
const all = ["monitor", "resolver"];
const named = all.filter((program) => process.argv.slice(2).includes(program));
const programs = named.length > 0 ? named : all;
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
const reproducible = ["-Wl,--build-id=none", "-fno-ident"];

/** Compilers that make static musl programs, by Node's name of the architecture. */
const targets = [
  { arch: "x64", compiler: "x86_64-linux-musl-gcc", native: "musl-gcc" },
  { arch: "arm64", compiler: "aarch64-linux-musl-gcc", native: "musl-gcc" },
];

const into = process.argv.includes("--into") ? process.argv[process.argv.indexOf("--into") + 1] : undefined;
for (const program of programs) {
  if (into !== undefined) buildPrebuilt(program, join(into, program));
  else if (process.argv.includes("--prebuilt")) buildPrebuilt(program, join(program, "prebuilt"));
  else buildHere(program);
}

function buildHere(program) {
  const compiler = ["musl-gcc", "cc", "gcc"].find(has);
  if (compiler === undefined) {
    console.error("lighter: there is no C compiler; install gcc");
    process.exit(1);
  }
  mkdirSync(`.build/${program}`, { recursive: true });
  compile(compiler, program, `.build/${program}/lighter-${program}`);
}

function buildPrebuilt(program, folder) {
  mkdirSync(folder, { recursive: true });
  const manifestPath = join(folder, "manifest.json");
  const manifest = existsSync(manifestPath) ? JSON.parse(readFileSync(manifestPath, "utf8")) : {};
  for (const { arch, compiler, native } of targets) {
    const found = has(compiler) ? compiler : arch === process.arch && has(native) ? native : undefined;
    if (found === undefined) continue;
    const path = join(folder, `lighter-${program}-${arch}`);
    compile(found, program, path, [`-ffile-prefix-map=${program}/=`, ...reproducible]);
    const texts = [...sourcesOf(program), `${program}/${program}.h`].map((name) => readFileSync(name));
    manifest[arch] = {
      sources: digest(texts.join("\n")),
      sha256: digest(readFileSync(path)),
      compiler: versionOf(found),
    };
    console.log(`${path} ${readFileSync(path).length} bytes`);
  }
  writeFileSync(manifestPath, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function sourcesOf(program) {
  return readdirSync(program)
    .filter((name) => name.endsWith(".c"))
    .sort()
    .map((name) => `${program}/${name}`);
}

function compile(compiler, program, path, more = []) {
  const words = [...flags, ...more, "-o", path, ...sourcesOf(program)];
  const { status } = spawnSync(compiler, words, { stdio: "inherit" });
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
