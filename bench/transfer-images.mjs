// What the benchmark of transfers moves: an image of many files in a registry on loopback, and a large one in an archive.
import { spawn, spawnSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A tenth is enough to see that everything works. */
const tenths = Number(process.env.BENCH_TENTHS ?? 10);
const address = "127.0.0.1:5599";
export const manyFiles = `${address}/bench/many-files:1`;
export const large = "bench/large:1";

/** Both images, when they are not there: in lighter's store, and where the other engines get them from. */
export async function makeImages(folder, lighter) {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, "full"))) {
    makeTree(join(folder, "context"));
    must([...lighter, "build", "-q", "-t", manyFiles, join(folder, "context")]);
    await withRegistry(folder, "full", () => must([...lighter, "push", "-q", manyFiles]));
    must([...lighter, "image", "copy", `store:${manyFiles}`, `oci:${join(folder, "plain")}:1`]);
  }
  if (existsSync(join(folder, "large.tar"))) return;
  makeLarge(join(folder, "large"));
  must([...lighter, "build", "-q", "-t", large, join(folder, "large")]);
  must([...lighter, "save", "-o", join(folder, "large.tar"), large]);
  rmSync(join(folder, "large"), { recursive: true });
}

/** About 480 MB in 24,000 files, a third of it incompressible; the same each time. */
function makeTree(context) {
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const words = Array.from({ length: 4000 }, () => random().toString(36));
  for (let layer = 0; layer < 3; layer += 1)
    for (let place = 0; place < 800 * tenths; place += 1) {
      const path = join(context, `l${layer}`, `d${place % 90}`);
      if (place < 90) mkdirSync(path, { recursive: true });
      const noise = Buffer.alloc(7000);
      for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE(random(), at);
      let text = "";
      while (text.length < 13000) text += `${words[random() % words.length]} `;
      writeFileSync(join(path, `f${place}`), Buffer.concat([noise, Buffer.from(text)]));
    }
  writeFileSync(
    join(context, "Dockerfile"),
    'FROM scratch\nCOPY l0 /l0\nCOPY l1 /l1\nCOPY l2 /l2\nCMD ["/none"]\n',
  );
}

/** Two layers of 500 MB that do not compress. */
function makeLarge(context) {
  mkdirSync(context, { recursive: true });
  for (const name of ["a", "b"])
    writeFileSync(join(context, name), randomFillSync(Buffer.alloc(50_000_000 * tenths)));
  writeFileSync(join(context, "Dockerfile"), 'FROM scratch\nCOPY a /\nCOPY b /\nCMD ["/none"]\n');
}

/** Serves the folder's registry of this name while `use` runs. */
export async function withRegistry(folder, name, use) {
  const config = join(folder, `${name}.json`);
  const storage = { filesystem: { rootdirectory: join(folder, name) } };
  writeFileSync(
    config,
    JSON.stringify({ version: 0.1, log: { level: "error" }, storage, http: { addr: address } }),
  );
  const registry = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  try {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const answer = await fetch(`http://${address}/v2/`).catch(() => undefined);
      if (answer?.ok) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return await use();
  } finally {
    registry.kill("SIGKILL");
  }
}

export function bytesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

export function must([program, ...args]) {
  const { status, stderr, error } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
}

export function succeeds([program, ...args]) {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}
