// What Node runs to make a snapshot (make-snapshot.ts): loads the rooms of the quick commands, with the code that
// commands before put into the pack, and says how a command begins that is started from it.
// Nothing that is loaded here may keep what differs between two commands: environment, user, directory, time, random bytes.
import { join } from "node:path";
import { restoreEnvironment, warnWhenStale } from "./environment.ts";
import { createLoader, type Load } from "./loader.ts";
import { openPack, type Pack } from "./pack.ts";

declare const LIGHTER_CHUNKS: string;

const folder = join(__dirname, LIGHTER_CHUNKS);
const home = join(__dirname, "../..");
// The rooms and commands that the quick ones load, by the names of their chunks.
const entries = new Set(
  "run exec ps start stop rm kill create inspect network-create network-rm engine container runtime network".split(
    " ",
  ),
);
const builtins = ["crypto", "net", "stream", "os", "util", "child_process", "tty"];

let pack: Pack | undefined;
let requireInstalled: Load | undefined;
const load = createLoader({
  folder,
  find: (name) => {
    pack ??= openPack(join(folder, `${process.version}-${process.arch}.pack`));
    return pack?.read(name);
  },
  require: (name) => process.getBuiltinModule(name) ?? requirePackage(name),
});

function requirePackage(name: string): unknown {
  const { createRequire } = process.getBuiltinModule("node:module");
  requireInstalled ??= createRequire(join(__dirname, "cli.js"));
  return requireInstalled(name);
}

for (const name of builtins) process.getBuiltinModule(name);
load("./main.js");
for (const name of pack?.names ?? []) if (entries.has(name.replace(/-[A-Z0-9]+\.js$/, ""))) load(`./${name}`);
pack = undefined;

process.getBuiltinModule("node:v8").startupSnapshot.setDeserializeMainFunction(() => {
  // Whoever started Node set it for Node alone.
  delete process.env["GLIBC_TUNABLES"];
  restoreEnvironment();
  process.execArgv.length = 0;
  process.argv.splice(1, 0, join(home, "bin/lighter"));
  warnWhenStale(home);
  const { main } = load("./main.js") as { main(): void };
  main();
});
