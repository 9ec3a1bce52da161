// Times one save or load of a 1 GB image, and prints the seconds: what it takes to make the image is not measured.
//   node bench/archives.mjs save|load WORK ENGINE COMMAND...
import { spawnSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [verb, work, engine, ...command] = process.argv.slice(2);
const folder = join(work, "archives");
const image = "bench/large:1";
const archive = join(folder, "large.tar");
const lighter = ["bin/lighter", "--root", join(folder, "lighter-root")];
const words = engine === "lighter" ? lighter : command;

if (!existsSync(archive)) makeArchive();
console.log(verb === "save" ? timeSave() : timeLoad());

/** Two layers of 500 MB that do not compress. */
function makeArchive() {
  const context = join(folder, "context");
  mkdirSync(context, { recursive: true });
  for (const name of ["a", "b"])
    writeFileSync(join(context, name), randomFillSync(Buffer.alloc(500_000_000)));
  writeFileSync(join(context, "Dockerfile"), 'FROM scratch\nCOPY a /\nCOPY b /\nCMD ["/none"]\n');
  must([...lighter, "build", "-q", "-t", image, context]);
  must([...lighter, "save", "-o", archive, image]);
  rmSync(context, { recursive: true });
}

function timeSave() {
  if (spawnSync(words[0], [...words.slice(1), "image", "inspect", image]).status !== 0)
    must([...words, "load", "-i", archive]);
  const out = join(folder, `out-${process.pid}.tar`);
  const seconds = timed([...words, "save", "-o", out, image]);
  rmSync(out, { force: true });
  return seconds;
}

function timeLoad() {
  spawnSync(words[0], [...words.slice(1), "rmi", "-f", image]);
  return timed([...words, "load", "-i", archive]);
}

function timed(program) {
  const start = process.hrtime.bigint();
  must(program);
  return (Number(process.hrtime.bigint() - start) / 1e9).toFixed(4);
}

function must([program, ...args]) {
  const { status, stderr } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
