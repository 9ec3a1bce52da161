// make-snapshot.js HOME: makes the snapshot from which the launcher starts quick commands, tries it and puts it in its place.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { isQuick } from "./kind.ts";
import { openPack } from "./pack.ts";
import { identify, launcherOf, noSnapshot, readIndex } from "./snapshot-index.ts";

declare const LIGHTER_CHUNKS: string;

const [home = ""] = process.argv.slice(2);
const folder = join(home, "dist/cli");
const launcher = launcherOf(home);
const own = `${process.pid}-${Date.now()}`;
const half = join(folder, `snapshot.${own}.half`);
const name = `snapshot.${own}.blob`;
// A lighter that has read the index of before still opens its snapshot.
const keptMs = 60_000;

try {
  make();
} finally {
  for (const path of [half, `${half}.index`, `${half}.launch`]) rmSync(path, { force: true });
  rmSync(join(folder, "snapshot.lock"), { force: true });
}

function make(): void {
  const program = identify(process.execPath);
  const build = identify(join(folder, "cli.js"));
  const pack = openPack(join(folder, LIGHTER_CHUNKS, `${process.version}-${process.arch}.pack`));
  if (pack === undefined) return;
  const works = writeSnapshot() && isWorking();
  if (works) {
    copyFileSync(launcher, `${half}.launch`);
    chmodSync(`${half}.launch`, 0o755);
    renameSync(`${half}.launch`, join(folder, "launch"));
    sync(half);
    chmodSync(half, 0o644);
    renameSync(half, join(folder, name));
  }
  const size = works ? statSync(join(folder, name)).size : 0;
  // Node or lighter was replaced meanwhile.
  if (program !== identify(process.execPath) || build !== identify(join(folder, "cli.js"))) return;
  // Where it does not work the index says so, and nobody tries again.
  const kinds = pack.lessons.filter(isQuick);
  keepForAWhile();
  writeIndex([home, program, build, `${works ? name : noSnapshot} ${size}`, ...kinds, "end", ""].join("\n"));
  removeOld();
}

function writeSnapshot(): boolean {
  return node(["--snapshot-blob", half, "--build-snapshot", join(folder, "snapshot.js")]).status === 0;
}

/** Whether this version of Node starts from it what it was made for, without a word of its own. */
function isWorking(): boolean {
  const { status, stdout, stderr } = node(["--snapshot-blob", half, "--", "version"]);
  return status === 0 && stdout.startsWith("lighter ") && stderr === "";
}

function node(words: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  return spawnSync(process.execPath, words, { encoding: "utf8", timeout: 30_000 });
}

function writeIndex(text: string): void {
  const path = `${half}.index`;
  const fd = openSync(path, "w", 0o644);
  writeSync(fd, text);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(path, join(folder, "snapshot.index"));
}

function sync(path: string): void {
  const fd = openSync(path, "r");
  fsyncSync(fd);
  closeSync(fd);
}

/** The one that the index names until now was perhaps made long ago. */
function keepForAWhile(): void {
  const now = new Date();
  const old = readIndex(home)?.snapshot;
  if (old !== undefined && existsSync(join(folder, old))) utimesSync(join(folder, old), now, now);
}

function removeOld(): void {
  for (const file of readdirSync(folder)) {
    if (!file.startsWith("snapshot.") || !/\.(?:blob|half|index|launch)$/.test(file)) continue;
    if (file === name || file === "snapshot.index") continue;
    const path = join(folder, file);
    if (Date.now() - statSync(path).mtimeMs > keptMs) rmSync(path, { force: true });
  }
}
