import { spawn } from "node:child_process";

const live = new Set();

/**
 * Runs a command as a process group of its own, and ends all of the group when the time is over.
 *
 * @returns seconds of wall time until it ended, and what it printed
 * @throws Error with one line that says why, when it failed or was ended
 */
export async function bounded([program, ...args], { limit = 60, env, cwd } = {}) {
  const begin = process.hrtime.bigint();
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    cwd,
    env: env === undefined ? process.env : { ...process.env, ...env },
  });
  live.add(child);
  const texts = [child.stdout, child.stderr].map(collect);
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    endGroup(child);
  }, limit * 1000);
  try {
    const { status, seconds } = await new Promise((resolve, reject) => {
      child.once("error", (error) => reject(new Error(`${program}: ${error.message}`)));
      child.once("exit", (code, signal) =>
        resolve({ status: code ?? signal, seconds: Number(process.hrtime.bigint() - begin) / 1e9 }),
      );
    });
    await closed(child);
    const [stdout, stderr] = texts.map((text) => text());
    if (isOver) throw new Error(`not over within ${limit.toFixed(0)} s, and was ended`);
    if (status !== 0) throw new Error(reasonOf(stderr) ?? `status ${status}`);
    return { seconds, stdout, stderr };
  } finally {
    clearTimeout(timer);
    live.delete(child);
  }
}

/** Ends every group that runs now. */
export function endAll() {
  for (const child of live) endGroup(child);
}

function endGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // it ended meanwhile
  }
}

function collect(stream) {
  const chunks = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

/** What a command leaves running may keep its pipes open: nobody waits for that. */
async function closed(child) {
  const streams = [child.stdout, child.stderr].filter((stream) => !stream.closed);
  const all = Promise.all(streams.map((stream) => new Promise((resolve) => stream.once("close", resolve))));
  let timer;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, 500);
  });
  await Promise.race([all, patience]);
  clearTimeout(timer);
  for (const stream of streams) stream.destroy();
}

/** The line that says most: of a stack trace the message, else the last one. */
function reasonOf(text) {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const message = lines.find((line) => /^(?:\w*Error|ERROR|error)\b/.test(line)) ?? lines.at(-1);
  return message?.replace(/^Error: /, "").slice(0, 300);
}
