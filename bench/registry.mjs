// Times one pull or push against a docker-registry on loopback, and prints the seconds: what it takes to make the image and
// to start the registry is not measured.
//   node bench/registry.mjs pull|push WORK ENGINE COMMAND...
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [verb, work, engine, ...command] = process.argv.slice(2);
const program = engine.split("-")[0];
const address = "127.0.0.1:5599";
const folder = join(work, "registry");
const image = `${address}/bench/many-files:1`;
const lighter = ["bin/lighter", "--root", join(folder, "lighter-root")];

const isNew = !existsSync(folder);
mkdirSync(folder, { recursive: true });
if (isNew) makeTree(join(folder, "context"));
if (isNew) await withRegistry("full", () => makeImage());
console.log(verb === "pull" ? await timePull() : await timePush());

/** About 480 MB in 24,000 files, a third of it incompressible; the same each time. */
function makeTree(context) {
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const words = Array.from({ length: 4000 }, () => random().toString(36));
  for (let layer = 0; layer < 3; layer += 1)
    for (let place = 0; place < 8000; place += 1) {
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

function makeImage() {
  must([...lighter, "build", "-q", "-t", image, join(folder, "context")]);
  must([...lighter, "push", "-q", image]);
}

function timePull() {
  // Each time into a store that has nothing.
  const fresh = join(folder, `pull-${process.pid}`);
  const pulls = {
    lighter: () => [command[0], "--root", fresh, "pull", "-q", image],
    podman: () => [
      command[0],
      "--root",
      fresh,
      "--runroot",
      `${fresh}-run`,
      "pull",
      "-q",
      "--tls-verify=false",
      image,
    ],
    docker: () => [...command, "pull", "-q", image],
  };
  return withRegistry("full", () => {
    if (program === "docker") spawnSync(command[0], [...command.slice(1), "rmi", "-f", image]);
    const seconds = timed(pulls[program]());
    rmSync(fresh, { recursive: true, force: true });
    return seconds;
  });
}

async function timePush() {
  const store = join(folder, `${engine}-push`);
  const podman = [command[0], "--root", store, "--runroot", `${store}-run`];
  const has = {
    lighter: () => true,
    podman: () => existsSync(store),
    docker: () => spawnSync(command[0], [...command.slice(1), "image", "inspect", image]).status === 0,
  };
  const pulls = {
    podman: () => [...podman, "pull", "-q", "--tls-verify=false", image],
    docker: () => [...command, "pull", "-q", image],
  };
  if (!has[program]()) await withRegistry("full", () => must(pulls[program]()));
  const pushes = {
    lighter: () => [...lighter, "push", "-q", image],
    podman: () => [...podman, "push", "-q", "--tls-verify=false", image],
    docker: () => [...command, "push", "-q", image],
  };
  // Into a registry that has nothing, and with no compressed layer remembered.
  rmSync(join(folder, "empty"), { recursive: true, force: true });
  if (engine === "lighter") forgetCompressed();
  return await withRegistry("empty", () => timed(pushes[program]()));
}

function forgetCompressed() {
  const layers = join(folder, "lighter-root/images/layers");
  spawnSync("sh", ["-c", `rm -f "${layers}"/*.gzip*`]);
}

function timed(words) {
  const start = process.hrtime.bigint();
  must(words);
  return (Number(process.hrtime.bigint() - start) / 1e9).toFixed(4);
}

function must([program, ...args]) {
  const { status, stderr } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

async function withRegistry(data, use) {
  const config = join(folder, `${data}.json`);
  const storage = { filesystem: { rootdirectory: join(folder, data) } };
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
