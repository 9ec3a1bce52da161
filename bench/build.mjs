// Prepares one build, times it, and prints the seconds and the peak of resident memory in KiB.
//   node bench/build.mjs KIND WORK ENGINE COMMAND...
// Sizes: BENCH_FILES (50000), BENCH_MIB (1024). Contexts are made once a run of the benchmark and shared by the engines;
// what has to be new for a cold build is made new before each.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const [kind, work, engine, ...command] = process.argv.slice(2);
const folder = join(work, "build");
const files = Number(process.env.BENCH_FILES ?? 50_000);
const mebibytes = Number(process.env.BENCH_MIB ?? 1024);
const now = `${process.pid} ${Date.now()}`;
const base = "golang:1.19";
const timeProgram = "/usr/bin/time";

const kinds = {
  "cached-2000": () => timed(build(cachedContext())),
  "cached-many": () => {
    const context = tree("many");
    buildOnce(context);
    return timed(build(context));
  },
  "one-changed": () => {
    const context = tree("many");
    buildOnce(context);
    writeFileSync(join(context, "d7", "f7"), now);
    return timed(build(context));
  },
  "cold-many": () => {
    // Another directory and another content, so that nothing is known of it; the unchanged bytes are one copy on the disk.
    const context = freshCopy(tree("many"));
    const result = timed(build(context));
    rmSync(context, { recursive: true });
    return result;
  },
  "cold-big": () => {
    const context = bigFile();
    const fd = openSync(join(context, "big"), "r+");
    writeSync(fd, now, 0);
    closeSync(fd);
    return timed(build(context));
  },
  "run-30": () => timed(build(steps(), ["--build-arg", `NOW=${now}`])),
  "four-stages": () => timed(build(stages(), ["--build-arg", `NOW=${now}`])),
  export: () => {
    const context = tree("export", Math.ceil(files / 10));
    writeFileSync(join(context, "d0", "f0"), now);
    return timed(exported(context));
  },
};
const make = kinds[kind];
if (make === undefined) throw new Error(`no such build: ${kind}`);
mkdirSync(folder, { recursive: true });
console.log(make());

function build(context, more = []) {
  const own = engine === "buildah" || engine === "podman" ? ["--layers", "--isolation=chroot"] : [];
  return [...command, "build", ...own, ...more, "-q", "-t", `bench-${kind}`, context];
}

/** So that this engine has seen all of the context, whichever workload comes first. */
function buildOnce(context) {
  const note = join(folder, `built-${engine}`);
  if (existsSync(note)) return;
  must(build(context));
  writeFileSync(note, "");
}

/** Build and export in one, as a CI job does; docker without a builder of its own has to save, and something to compress. */
function exported(context) {
  const archive = join(folder, `${engine}.tar`);
  rmSync(archive, { force: true });
  const quoted = (words) => words.map((word) => `'${word}'`).join(" ");
  const image = `bench-${kind}`;
  if (engine === "lighter")
    return [
      ...command,
      "build",
      "-q",
      "-t",
      image,
      "--output",
      `type=oci,dest=${archive},compression=gzip`,
      context,
    ];
  const save = engine.startsWith("docker")
    ? `${quoted([...command, "save", image])} | gzip >'${archive}'`
    : quoted([...command, "push", "-q", image, `oci-archive:${archive}`]);
  return ["sh", "-c", `${quoted(build(context))} && ${save}`];
}

function context(name, dockerfile) {
  const path = join(folder, name);
  const isNew = !existsSync(path);
  if (isNew) mkdirSync(path, { recursive: true });
  if (isNew) writeFileSync(join(path, "Dockerfile"), dockerfile);
  return { path, isNew };
}

function tree(name, count = files) {
  const { path, isNew } = context(name, "FROM scratch\nCOPY . /src\n");
  if (isNew) fill(path, count);
  return path;
}

/** 6 kB a file on average, incompressible; 100 files a directory. */
function fill(path, count) {
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const noise = Buffer.alloc(1 << 20);
  for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE(random(), at);
  for (let place = 0; place < count; place += 1) {
    const directory = join(path, `d${Math.floor(place / 100)}`);
    if (place % 100 === 0) mkdirSync(directory);
    const start = random() % (noise.length - 12_000);
    writeFileSync(
      join(directory, `f${place % 100}`),
      noise.subarray(start, start + 1000 + (random() % 10_000)),
    );
  }
}

function freshCopy(from) {
  const to = join(folder, `fresh-${engine}-${process.pid}`);
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name === "Dockerfile") linkSync(join(from, name), join(to, name));
    else {
      mkdirSync(join(to, name));
      for (const file of readdirSync(join(from, name)))
        linkSync(join(from, name, file), join(to, name, file));
    }
  }
  unlinkSync(join(to, "d7", "f7"));
  writeFileSync(join(to, "d7", "f7"), now);
  return to;
}

function bigFile() {
  const { path, isNew } = context("big", "FROM scratch\nCOPY big /big\n");
  if (isNew) must(["sh", "-c", `head -c ${mebibytes}M /dev/urandom >'${join(path, "big")}'`]);
  return path;
}

function cachedContext() {
  const copies = [0, 1, 2, 3].map((part) => `COPY d${part} /src/d${part}`).join("\n");
  const { path, isNew } = context(
    "cached",
    `FROM ${base} AS one\nWORKDIR /src\n${copies}\nRUN true\nFROM one AS two\nENV A=1\nCOPY . .\nRUN echo >/two\n` +
      "FROM scratch\nLABEL a=b\nCOPY --from=two /two /two\nCOPY --from=one /src /src\nENV B=2\n",
  );
  if (isNew) fill(path, 2000);
  return path;
}

function steps() {
  const lines = Array.from({ length: 30 }, (_, step) => `RUN echo ${step} >/step-${step}`).join("\n");
  return context("steps", `FROM ${base}\nARG NOW\n${lines}\n`).path;
}

function stages() {
  const names = ["a", "b", "c", "d"];
  const made = names.map((name) => `FROM ${base} AS ${name}\nARG NOW\nRUN sleep 2 && echo "$NOW" >/${name}`);
  const copies = names.map((name) => `COPY --from=${name} /${name} /${name}`);
  return context("stages", `${made.join("\n")}\nFROM scratch\n${copies.join("\n")}\n`).path;
}

function timed(words) {
  // What earlier commands wrote must not be written while this one runs.
  must(["sync"]);
  const report = join(folder, `time-${process.pid}`);
  const measured = existsSync(timeProgram) ? [timeProgram, "-f", "%M", "-o", report, ...words] : words;
  const start = process.hrtime.bigint();
  must(measured);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const peak = existsSync(report) ? readFileSync(report, "utf8").trim() : "";
  rmSync(report, { force: true });
  return `${seconds.toFixed(4)} ${peak}`;
}

function must([program, ...args]) {
  const { status, stderr } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
