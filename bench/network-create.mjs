// Makes a bridge network and removes it; prints as JSON the seconds of each command.
//   node bench/network-create.mjs ENGINE-COMMAND...
import { spawnSync } from "node:child_process";

const [program, ...leading] = process.argv.slice(2);
const name = "bench-create";
console.log(JSON.stringify({ create: timed("create"), remove: timed("rm") }));

function timed(verb) {
  const begin = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(program, [...leading, "network", verb, name]);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  if (status !== 0 || stdout.length === 0) throw new Error(`network ${verb}: ${stderr}`);
  return seconds;
}
