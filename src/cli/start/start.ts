// The beginning of every command that is not started from a snapshot: loads the chunks of the bundle, from a pack of compiled
// code where there is one. Node's own loader takes 0.4 ms for each of the 40 chunks of a command, and V8 as long again to
// compile them.
import { join } from "node:path";
import { restoreEnvironment, warnWhenStale } from "./environment.ts";
import { kindOfCommand } from "./kind.ts";
import { type Compiled, createLoader } from "./loader.ts";
import { offerSnapshot } from "./offer-snapshot.ts";
import { openPack, type PackedChunk, writePack } from "./pack.ts";

declare const LIGHTER_CHUNKS: string;

const folder = join(__dirname, LIGHTER_CHUNKS);
const packPath = join(folder, `${process.version}-${process.arch}.pack`);
const pack = openPack(packPath);
const compiled = new Map<string, Compiled>();
const lessons = pack?.lessons ?? [];
const kind = kindOfCommand(process.argv.slice(2));

// The pack has only functions that ran: all of them would take a command 8 ms to read, most of it for what it never calls.
// What is missing V8 compiles from the text, which takes ten times as long. Each kind of command gives a lesson once; and
// because one kind may go several ways, one command in 32 gives one as well, for a while.
const mostLessons = 100;
const oneOf = 32;
// V8 has thrown away by then what it has not used for a while.
const longCommandSeconds = 10;

/** After the command: nobody waits for it often. */
function learn(status: number): void {
  // Flags of V8 that someone set for once are no reason.
  if (process.execArgv.length > 0 || process.env["NODE_OPTIONS"]) return;
  try {
    if (isLesson(status)) writePack(packPath, () => ({ lessons: [...lessons, kind], chunks: gather() }));
    if (status === 0 && lessons.includes(kind)) offerSnapshot(join(__dirname, "../.."), kind);
  } catch {
    // Installed where this user may not write: commands start slower, as without a pack.
  }
}

/** One that failed teaches little of those that do not. */
function isLesson(status: number): boolean {
  const isNew = [...compiled.values()].some(({ isPacked }) => !isPacked);
  const isOther = status === 0 && (process.pid % oneOf === 0 || !lessons.includes(kind));
  return (isNew || (isOther && lessons.length < mostLessons)) && process.uptime() < longCommandSeconds;
}

/** What is in the pack already stays, and every chunk of this command has its functions and those from before. */
function gather(): ReadonlyMap<string, PackedChunk> {
  const chunks = new Map<string, PackedChunk>();
  for (const name of pack?.names ?? []) {
    const packed = compiled.has(name) ? undefined : pack?.read(name);
    if (packed !== undefined) chunks.set(name, packed);
  }
  for (const [name, { script, text }] of compiled)
    chunks.set(name, { text, code: script.createCachedData() });
  return chunks;
}

restoreEnvironment();
warnWhenStale(join(__dirname, "../.."));
process.on("exit", learn);
const load = createLoader({
  folder,
  find: (name) => pack?.read(name),
  require,
  onCompiled: (name, chunk) => compiled.set(name, chunk),
});
(load("./main.js") as { main(): void }).main();
