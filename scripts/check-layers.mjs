// Holds the house rules of layers.json: rooms import down and through the door, pure rooms do no I/O,
// only privileged rooms start programs, only some read the environment. `--graph` prints the edges.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = process.cwd();
const rules = JSON.parse(readFileSync(join(root, "layers.json"), "utf8"));
const level = new Map(rules.levels.flatMap((rooms, index) => rooms.map((room) => [room, index])));
const problems = [];
const edges = new Set();

for (const file of sources(join(root, "src"))) check(file);

if (process.argv.includes("--graph")) console.log([...edges].sort().join("\n"));
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

function check(file) {
  const place = relative(root, file);
  const room = place.split("/")[1];
  const isTest = place.endsWith(".test.ts");
  const say = (text) => problems.push(`${place}: ${text}`);
  if (!level.has(room)) return say(`room "${room}" is not in layers.json`);
  const text = readFileSync(file, "utf8");
  const code = text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "");
  for (const [, specifier] of code.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    if (/^#[a-z]+$/.test(specifier)) checkRoom(specifier.slice(1), room, isTest, say);
    else if (specifier.startsWith(".")) checkRelative(specifier, file, room, say);
    else if (!isTest) checkModule(specifier.replace(/^node:/, ""), room, say);
  }
  if (!isTest && !rules.environment.rooms.includes(room) && /\bprocess\s*\.\s*env\b/.test(code))
    say("reads process.env; only engine and cli may");
}

function checkRoom(target, room, isTest, say) {
  if (!level.has(target)) return say(`imports "#${target}", which is not a room`);
  edges.add(`${room} -> ${target}`);
  if (!isTest && level.get(target) >= level.get(room))
    say(`imports "#${target}", which does not lie below "${room}"`);
}

function checkRelative(specifier, file, room, say) {
  const target = resolve(dirname(file), specifier);
  if (relative(join(root, "src", room), target).startsWith(".."))
    return say(`imports "${specifier}" from outside its room; use the door "#room"`);
  if (!specifier.endsWith(".ts") && !specifier.endsWith(".json"))
    return say(`imports "${specifier}" without its extension`);
  if (specifier.endsWith(".ts") && !statSync(target, { throwIfNoEntry: false }))
    say(`imports "${specifier}", which does not exist`);
}

function checkModule(name, room, say) {
  const top = name.split("/")[0];
  if (rules.pure.includes(room) && rules.impureModules.includes(top))
    say(`is in a pure room and imports "${name}"`);
  if (rules.privileged.modules.includes(top) && !rules.privileged.rooms.includes(room))
    say(`imports "${name}"; only ${rules.privileged.rooms.join(", ")} may`);
}
