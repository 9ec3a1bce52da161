// Images are standard: what `lighter save` writes is read by the tools that others made.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";

const skip = whyNoMachine();

const dockerfile = `FROM scratch AS tools
COPY busybox /bin/busybox
RUN ["/bin/busybox", "ln", "-s", "busybox", "/bin/sh"]
RUN echo kept > /kept && echo gone > /gone
RUN rm /gone
ENV GREETING=hello
CMD ["/bin/sh", "-c", "echo $GREETING; /bin/busybox cat /kept; /bin/busybox ls /"]
`;

test("skopeo and umoci read what save --format oci wrote", {
  skip: skip || whyNot("skopeo", "umoci"),
}, () => {
  using clone = openClone();
  const id = buildImage(clone);
  save(clone, "oci");
  const layout = join(clone.folder, "layout");
  mkdirSync(layout);
  sh(`tar -xf ${clone.folder}/oci.tar -C ${layout}`);
  const facts: { readonly Name?: string; readonly Env: string[]; readonly Layers: string[] } = JSON.parse(
    sh(`skopeo inspect oci:${layout}:standard:1`),
  );
  assert.ok(facts.Env.includes("GREETING=hello"));
  assert.equal(facts.Layers.length, 4);
  const config: { readonly rootfs: { readonly diff_ids: string[] } } = JSON.parse(
    sh(`skopeo inspect --config oci:${layout}:standard:1`),
  );
  assert.equal(config.rootfs.diff_ids.length, 4);
  assert.match(sh(`skopeo inspect --raw oci:${layout}:standard:1`), new RegExp(id));
  sh(`umoci unpack --image ${layout}:standard:1 ${clone.folder}/bundle`);
  const rootfs = join(clone.folder, "bundle/rootfs");
  assert.equal(readFileSync(join(rootfs, "kept"), "utf8"), "kept\n");
  assert.equal(existsSync(join(rootfs, "gone")), false);
  assert.ok(readFileSync(join(rootfs, "bin/busybox")).equals(readFileSync(join(clone.folder, "busybox"))));
});

test("docker loads and runs what save --format docker wrote", {
  skip: skip || whyNot("docker", "dockerd"),
}, async (context) => {
  using clone = openClone();
  buildImage(clone);
  save(clone, "docker");
  await using daemon = await startDocker(clone.folder);
  if (daemon.command === undefined) {
    context.skip(`dockerd does not start here: ${daemon.log()}`);
    return;
  }
  const docker = `${daemon.command} --config ${clone.folder}/config`;
  assert.equal(sh(`${docker} load -i ${clone.folder}/docker.tar`), "Loaded image: standard:1\n");
  assert.match(sh(`${docker} image inspect --format '{{.Config.Env}}' standard:1`), /\bGREETING=hello\b/);
  assert.match(sh(`${docker} run --rm --network none standard:1`), /^hello\nkept\nbin\n(?!.*gone)/s);
});

function buildImage(clone: Clone): string {
  copyFileSync("/bin/busybox", join(clone.folder, "busybox"));
  writeFileSync(join(clone.folder, "Dockerfile"), dockerfile);
  const build = clone.run(["build", "-q", "-t", "standard:1", "."]);
  assert.equal(build.status, 0, build.stderr);
  return build.stdout.trim();
}

function save(clone: Clone, format: string): void {
  const saved = clone.run([
    "save",
    "--format",
    format,
    "-o",
    join(clone.folder, `${format}.tar`),
    "standard:1",
  ]);
  assert.equal(saved.status, 0, saved.stderr);
}

interface Daemon extends AsyncDisposable {
  readonly command?: string;
  log(): string;
}

/** A daemon of its own that leaves the machine's networks alone; its mounts end with it. */
async function startDocker(folder: string): Promise<Daemon> {
  const work = join(folder, "docker");
  mkdirSync(work);
  const socket = `unix://${work}/docker.sock`;
  const flags = `--data-root ${work}/data --exec-root ${work}/exec --pidfile ${work}/pid -H ${socket} --bridge=none`;
  const firewall = "--iptables=false --ip6tables=false --ip-forward=false";
  const script = `exec dockerd ${flags} ${firewall} >${work}/log 2>&1`;
  const child = spawn("unshare", ["-m", "sh", "-c", script], { stdio: "ignore" });
  const command = `docker -H ${socket}`;
  const isUp = await waitFor(() => spawnSync("sh", ["-c", `${command} version`]).status === 0, child);
  return {
    ...(isUp && { command }),
    log: () => readFileSync(join(work, "log"), "utf8").trim().split("\n").at(-1) ?? "",
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function waitFor(isReady: () => boolean, child: ChildProcess): Promise<boolean> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline && child.exitCode === null; ) {
    if (isReady()) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  await ended;
}

function sh(command: string): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  assert.equal(status, 0, `${command}: ${stderr}`);
  return stdout;
}

function whyNot(...programs: readonly string[]): string | false {
  const missing = programs.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
  return missing.length > 0 && `${missing.join(" and ")} not installed`;
}
