// Starts detached containers, eight at a time, and removes them; prints the seconds of one part of that, or the memory of the
// engine while they run, in KiB.
//   node bench/many-containers.mjs start|ps|exec|remove|memory COUNT PROGRAM [ARG...]
import { spawn } from "node:child_process";
import { engineMemoryKiB } from "./idle-memory.mjs";
import { medianOf } from "./median.mjs";

const [part, count, program, ...leading] = process.argv.slice(2);
const names = Array.from({ length: Number(count) }, (_, at) => `bench-many-${at}`);
// By default podman raises limits above what a host that is itself a container grants.
const limits = program.endsWith("podman")
  ? ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
  : [];
const seconds = {};
let memoryKiB;
try {
  seconds.start = await timed(async () => {
    const waiting = [...names];
    await Promise.all(Array.from({ length: 8 }, () => lane(waiting)));
  });
  if (part === "ps" || part === "exec") {
    const words = part === "ps" ? ["ps"] : ["exec", names[0], "true"];
    const runs = [];
    for (let run = 0; run < 5; run += 1) runs.push(await timed(() => must(words)));
    seconds[part] = medianOf(runs);
  }
  if (part === "memory") memoryKiB = engineMemoryKiB([program, ...leading]);
} finally {
  seconds.remove = await timed(() => must(["rm", "-f", ...names]));
}
console.log(memoryKiB ?? seconds[part]);

async function lane(waiting) {
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop())
    await must(["run", "-d", "--name", name, ...limits, "golang:1.19", "sleep", "600"]);
}

async function must(words) {
  const child = spawn(program, [...leading, ...words], { stdio: ["ignore", "ignore", "inherit"] });
  const status = await new Promise((resolve) => child.once("close", resolve));
  if (status !== 0) throw new Error(`${words[0]}: status ${status}`);
}

async function timed(task) {
  const begin = process.hrtime.bigint();
  await task();
  return Number(process.hrtime.bigint() - begin) / 1e9;
}
