// The matrix of docs/interoperability.md: every tool reads what lighter wrote and lighter what the tool wrote, in every
// format, with the same image ID and, where the form keeps manifests, the same manifest. UPDATE=1 writes the rows of the tools that are on this machine.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Clone, openClone } from "../support/cli.ts";
import { type Registry, startRegistry, whyNoRegistry } from "./lab.ts";

const skip = whyNoRegistry("skopeo");
const page = "docs/interoperability.md";

const formats = [
  "registry, OCI, gzip",
  "registry, OCI, zstd",
  "registry, OCI, uncompressed",
  "registry, schema 2",
  "docker archive",
  "OCI archive",
  "OCI layout",
  "plain directory",
] as const;
type Format = (typeof formats)[number];

/** Where an image is, as the tools write it: `docker://…`, `oci-archive:…`. */
interface Place {
  readonly format: Format;
  readonly transport: string;
  /** What follows the transport. */
  readonly path: string;
}

/** What an image is known by. Not every tool says what the digest of the manifest was that it read. */
interface Known {
  readonly id: string;
  readonly manifest?: string | undefined;
}

/** How a tool takes an image from a place and puts one there. */
interface Tool {
  readonly name: string;
  read(place: Place): Known | undefined;
  /** Puts the image that it read there. False: it does not know the format. */
  write(place: Place): boolean;
}

const isRegistry = ({ format }: Place): boolean => format.startsWith("registry");
const text = ({ transport, path }: Place): string => `${transport}${path}`;

let work = "";
let clone: Clone;
let registry: Registry;
let id = "";
const stops: (() => Promise<void> | void)[] = [];

before(async () => {
  if (skip !== false) return;
  // Podman makes a name of the path, and names have no capitals.
  work = join(tmpdir(), `lighter-interop-${process.pid}`);
  mkdirSync(work);
  clone = openClone();
  registry = await startRegistry(join(work, "registry"));
  const context = join(work, "context");
  for (const folder of ["one", "two"]) mkdirSync(join(context, folder), { recursive: true });
  writeFileSync(join(context, "one/file"), "first");
  writeFileSync(join(context, "two/file"), "second".repeat(1000));
  writeFileSync(join(context, "Dockerfile"), 'FROM scratch\nCOPY one /\nCOPY two /two\nCMD ["/file"]\n');
  lighter("build", "-q", "-t", "matrix:1", context);
  id = lighter("image", "inspect", "-f", "{{.Id}}", "matrix:1").trim();
});

after(async () => {
  for (const stop of stops) await stop();
  await registry?.[Symbol.asyncDispose]();
  clone?.[Symbol.dispose]();
  // Storage of podman stays mounted where its root is.
  if (work !== "") spawnSync("umount", [join(work, "containers/overlay")], { stdio: "ignore" });
  if (work !== "") rmSync(work, { recursive: true, force: true });
});

function lighter(...args: readonly string[]): string {
  const { status, stdout, stderr } = clone.run(args);
  assert.equal(status, 0, `lighter ${args.join(" ")}: ${stderr}`);
  return stdout;
}

let places = 0;
/** A place that nobody has used. */
function newPlace(format: Format): Place {
  places += 1;
  const file = join(work, `place-${places}`);
  switch (format) {
    case "docker archive":
      return { format, transport: "docker-archive:", path: `${file}:localhost/matrix:1` };
    case "OCI archive":
      return { format, transport: "oci-archive:", path: `${file}:1` };
    case "OCI layout":
      return { format, transport: "oci:", path: `${file}:1` };
    case "plain directory":
      return { format, transport: "dir:", path: file };
    case "registry, OCI, gzip":
    case "registry, OCI, zstd":
    case "registry, OCI, uncompressed":
    case "registry, schema 2":
      return { format, transport: "docker://", path: `${registry.address}/matrix-${places}:1` };
  }
}

function lighterWrites(place: Place): void {
  const compression = /gzip|zstd|uncompressed/.exec(place.format)?.[0];
  if (compression !== undefined) {
    lighter("tag", "matrix:1", place.path);
    lighter("push", "-q", "--compression", compression, place.path);
  } else if (place.format === "registry, schema 2") {
    // Manifests of schema 2 are passed on as they came.
    const before = newPlace(place.format);
    skopeo(lighterLayout(), before);
    lighter("pull", "-q", before.path);
    lighter("tag", before.path, place.path);
    lighter("push", "-q", place.path);
  } else if (place.format === "docker archive") {
    lighter("tag", "matrix:1", "localhost/matrix:1");
    lighter("save", "-o", fileOf(place), "localhost/matrix:1");
  } else lighter("image", "copy", "-q", "store:matrix:1", text(place));
}

let layout: Place | undefined;
function lighterLayout(): Place {
  if (layout !== undefined) return layout;
  layout = newPlace("OCI layout");
  lighterWrites(layout);
  return layout;
}

function lighterReads(place: Place): Known {
  const name = `read-${places}:1`;
  if (isRegistry(place)) {
    lighter("pull", "-q", place.path);
    return lighterKnows(place.path);
  }
  if (place.format === "docker archive") {
    const said = lighter("load", "-i", fileOf(place));
    assert.match(said, /^Loaded image/);
    lighter("image", "copy", "-q", `docker-archive:${fileOf(place)}`, `store:${name}`);
  } else lighter("image", "copy", "-q", text(place), `store:${name}`);
  return lighterKnows(name);
}

function lighterKnows(name: string): Known {
  const said = lighter("image", "inspect", "-f", "{{.Id}} {{.Descriptor.digest}}", name);
  const [read = "", manifest = ""] = said.trim().split(" ");
  return { id: read, manifest };
}

/** The digest of the manifest that stands at a place; docker's archives have none that tools pass on. */
async function manifestAt(place: Place): Promise<string | undefined> {
  const file = fileOf(place);
  switch (place.format) {
    case "docker archive":
      return undefined;
    case "OCI archive":
      return lastOf(must("tar", ["-xOf", file, "index.json"]));
    case "OCI layout":
      return lastOf(readFileSync(join(file, "index.json"), "utf8"));
    case "plain directory":
      return sha256(readFileSync(join(file, "manifest.json")));
    case "registry, OCI, gzip":
    case "registry, OCI, zstd":
    case "registry, OCI, uncompressed":
    case "registry, schema 2": {
      const [, host = "", repository = ""] = /^([^/]+)\/(.+):1$/.exec(place.path) ?? [];
      const kinds = ["oci.image.manifest.v1", "docker.distribution.manifest.v2"];
      const accept = kinds.map((kind) => `application/vnd.${kind}+json`).join(", ");
      const answer = await fetch(`http://${host}/v2/${repository}/manifests/1`, { headers: { accept } });
      return sha256(Buffer.from(await answer.arrayBuffer()));
    }
  }
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

function lastOf(index: string): string | undefined {
  return (JSON.parse(index) as { manifests: readonly { digest: string }[] }).manifests.at(-1)?.digest;
}

const fileOf = ({ path }: Place): string => path.split(":")[0] ?? path;

function must(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 32 << 20 });
  assert.equal(status, 0, `${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function skopeo(from: Place, to: Place): void {
  const compression = /gzip|zstd/.exec(to.format)?.[0];
  must("skopeo", [
    "--insecure-policy",
    "copy",
    "-q",
    ...formOf(to),
    ...(compression === undefined ? [] : ["--dest-compress-format", compression]),
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
    text(from),
    text(to),
  ]);
}

/** Which family of manifests the containers tools are to write. */
function formOf({ format }: Place): readonly string[] {
  if (format === "docker archive") return [];
  return ["--format", format === "registry, schema 2" ? "v2s2" : "oci"];
}

const skopeoTool: Tool = {
  name: "skopeo",
  read(place) {
    // Copied, so that every blob is read and compared with its digest.
    const copy = join(work, `skopeo-${places}`);
    must("skopeo", ["--insecure-policy", "copy", "-q", "--src-tls-verify=false", text(place), `dir:${copy}`]);
    const bytes = readFileSync(join(copy, "manifest.json"));
    const { config } = JSON.parse(bytes.toString()) as { config: { digest: string } };
    return { id: config.digest, manifest: sha256(bytes) };
  },
  write(place) {
    if (place.format === "registry, OCI, uncompressed") return false;
    skopeo(lighterLayout(), place);
    return true;
  },
};

/** podman and buildah: the same transports, and one storage. */
function containersTool(name: "podman" | "buildah"): Tool {
  const store = ["--root", join(work, "containers"), "--runroot", join(work, "containers-run")];
  return {
    name,
    read(place) {
      // What it has already it would not read again.
      spawnSync(name, [...store, "rmi", "-f", id.replace("sha256:", "")], { stdio: "ignore" });
      const said = must(name, [...store, "pull", "-q", "--tls-verify=false", text(place)]);
      const plain = said.trim().split("\n").at(-1) ?? "";
      const manifest =
        name === "podman"
          ? must(name, [...store, "image", "inspect", "-f", "{{.Digest}}", plain])
          : must(name, [...store, "inspect", "--type", "image", "-f", "{{.FromImageDigest}}", plain]);
      return { id: `sha256:${plain}`, manifest: manifest.trim() };
    },
    write(place) {
      const compression = /gzip|zstd/.exec(place.format)?.[0];
      if (place.format === "registry, OCI, uncompressed" || (name === "buildah" && compression === "zstd"))
        return false;
      const form = place.format === "docker archive" ? [] : formOf(place);
      const compress =
        compression === undefined || name === "buildah" ? [] : ["--compression-format", compression];
      const plain = id.replace("sha256:", "");
      must(name, [...store, "push", "-q", "--tls-verify=false", ...form, ...compress, plain, text(place)]);
      return true;
    },
  };
}

async function dockerTool(): Promise<Tool> {
  const folder = join(work, "docker");
  mkdirSync(folder);
  const socket = `unix://${join(folder, "sock")}`;
  const log = openSync(join(folder, "log"), "w");
  const words = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "-H", socket];
  // No network of its own: it only carries images.
  const network = [
    "--iptables=false",
    "--ip6tables=false",
    "--bridge=none",
    "--pidfile",
    join(folder, "pid"),
  ];
  const child = spawn("unshare", ["--mount", "dockerd", ...words, ...network], {
    stdio: ["ignore", log, log],
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  stops.push(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const docker = (...args: readonly string[]): string => must("docker", ["-H", socket, ...args]);
  for (const end = Date.now() + 120_000; child.exitCode === null && Date.now() < end; await delay(100))
    if (spawnSync("docker", ["-H", socket, "version"], { stdio: "ignore" }).status === 0) break;
  const version = docker("version", "-f", "{{.Server.Version}}").split(".").slice(0, 2).join(".");
  const idOf = (name: string): string => docker("image", "inspect", "-f", "{{.Id}}", name).trim();
  return {
    name: `docker ${version}`,
    read(place) {
      spawnSync("docker", ["-H", socket, "rmi", "-f", id], { stdio: "ignore" });
      if (isRegistry(place)) {
        const { status, stderr } = spawnSync("docker", ["-H", socket, "pull", "-q", place.path], {
          encoding: "utf8",
        });
        // Docker learned zstd with version 23.
        if (status !== 0 && place.format.includes("zstd") && version.startsWith("20.")) return undefined;
        assert.equal(status, 0, stderr);
        const names = docker("image", "inspect", "-f", '{{join .RepoDigests "\\n"}}', place.path);
        const repository = place.path.replace(/:1$/, "@");
        const own = names.split("\n").find((each) => each.startsWith(repository));
        return { id: idOf(place.path), manifest: own?.slice(repository.length).trim() };
      }
      if (place.format !== "docker archive") return undefined;
      docker("load", "-q", "-i", fileOf(place));
      return { id: idOf("localhost/matrix:1") };
    },
    write(place) {
      const isKnown = place.format === "registry, schema 2" || place.format === "docker archive";
      if (!isKnown) return false;
      if (isRegistry(place)) {
        docker("tag", id, place.path);
        docker("push", "-q", place.path);
      } else docker("save", "-o", fileOf(place), "localhost/matrix:1");
      return true;
    },
  };
}

const umociTool: Tool = {
  name: "umoci",
  read(place) {
    if (place.format !== "OCI layout") return undefined;
    const bundle = join(work, `umoci-${places}`);
    must("umoci", ["unpack", "--image", place.path, bundle]);
    assert.equal(readFileSync(join(bundle, "rootfs/file"), "utf8"), "first");
    return { id: configOf(fileOf(place)) };
  },
  write(place) {
    if (place.format !== "OCI layout") return false;
    cpSync(fileOf(lighterLayout()), fileOf(place), { recursive: true });
    const bundle = join(work, `umoci-${places}`);
    must("umoci", ["unpack", "--image", place.path, bundle]);
    writeFileSync(join(bundle, "rootfs/more"), "more");
    must("umoci", ["repack", "--image", place.path, bundle]);
    return true;
  },
};

/** The config that the one name of a layout leads to. */
function configOf(folder: string): string {
  const read = (digest: string): string =>
    readFileSync(join(folder, "blobs/sha256", digest.replace("sha256:", "")), "utf8");
  const last = lastOf(readFileSync(join(folder, "index.json"), "utf8"));
  const manifest = JSON.parse(read(last ?? "")) as { config: { digest: string } };
  return manifest.config.digest;
}

type Cell = "yes" | "-";
interface Row {
  readonly tool: string;
  readonly reads: readonly Cell[];
  readonly writes: readonly Cell[];
}

async function rowOf(tool: Tool): Promise<Row> {
  const reads: Cell[] = [];
  for (const format of formats) reads.push(await readCell(tool, format));
  const writes: Cell[] = [];
  for (const format of formats) writes.push(await writeCell(tool, format));
  return { tool: tool.name, reads, writes };
}

async function readCell(tool: Tool, format: Format): Promise<Cell> {
  if (!couldRead(tool, format)) return "-";
  const place = newPlace(format);
  lighterWrites(place);
  const read = tool.read(place);
  if (read === undefined) return "-";
  await assertSame(read, id, place, `${tool.name} reads ${format}`);
  return "yes";
}

async function writeCell(tool: Tool, format: Format): Promise<Cell> {
  const place = newPlace(format);
  if (!tool.write(place)) return "-";
  // What umoci writes is another image: its own config says which.
  const expected = tool.name === "umoci" ? configOf(fileOf(place)) : id;
  await assertSame(lighterReads(place), expected, place, `lighter reads ${format} of ${tool.name}`);
  return "yes";
}

async function assertSame(read: Known, expectedId: string, place: Place, what: string): Promise<void> {
  assert.equal(read.id, expectedId, what);
  const manifest = await manifestAt(place);
  if (manifest !== undefined && read.manifest !== undefined)
    assert.equal(read.manifest, manifest, `${what}: the digest of the manifest`);
}

/** Spares writing what a tool would only wave away. */
function couldRead({ name }: Tool, format: Format): boolean {
  if (name === "umoci") return format === "OCI layout";
  return !name.startsWith("docker") || format.startsWith("registry") || format === "docker archive";
}

const has = (program: string): boolean => spawnSync("which", [program]).status === 0;

test("every tool reads what lighter wrote, and lighter what it wrote", {
  skip,
  timeout: 600_000,
}, async () => {
  const tools: Tool[] = [skopeoTool];
  for (const name of ["podman", "buildah"] as const) if (has(name)) tools.push(containersTool(name));
  if (has("dockerd") && has("docker")) tools.push(await dockerTool());
  if (has("umoci")) tools.push(umociTool);
  const rows: Row[] = [];
  for (const tool of tools) rows.push(await rowOf(tool));
  // Every byte of all that came, and what it unpacks to.
  lighter("system", "check");
  const old = existsSync(page) ? readFileSync(page, "utf8") : "";
  const wanted = pageOf(merge(parseRows(old), rows));
  if (process.env["UPDATE"] === "1") writeFileSync(page, wanted);
  else assert.equal(old, wanted, `run UPDATE=1 node scripts/test.mjs test/registry/interoperability.test.ts`);
});

/** Rows of tools that this machine does not have stay. */
function merge(old: readonly Row[], now: readonly Row[]): readonly Row[] {
  const kept = old.filter((row) => !now.some(({ tool }) => tool === row.tool));
  return [...kept, ...now].sort((a, b) => a.tool.localeCompare(b.tool));
}

const titles = ["## lighter writes, the tool reads", "## The tool writes, lighter reads"] as const;

function pageOf(rows: readonly Row[]): string {
  const table = (cells: (row: Row) => readonly Cell[]): string =>
    [
      `| | ${formats.join(" | ")} |`,
      `|---|${formats.map(() => "---|").join("")}`,
      ...rows.map((row) => `| ${row.tool} | ${cells(row).join(" | ")} |`),
    ].join("\n");
  return `# Interoperability

What other tools make of lighter's images, and lighter of theirs. \`yes\`: the image went over with every byte verified and has the
same ID on the other side and, in every form but docker's archive, with the same digest of its manifest (umoci tells none).
\`-\`: the tool does not read or write this form. \`test/registry/interoperability.test.ts\` measures these
tables with the tools of the machine it runs on, and fails when they are not so.

${titles[0]}

${table(({ reads }) => reads)}

${titles[1]}

${table(({ writes }) => writes)}

Manifests keep their digests as well wherever a tool passes them on as they are: lighter always does (\`pull\`, \`push\`, \`save\`,
\`load\`, \`image copy\`); docker and podman write manifests of their own when they push or save. lighter makes OCI manifests; those of
schema 2 it passes on. umoci changes images: what it wrote is another image, with the ID that umoci gave it.
`;
}

function parseRows(markdown: string): readonly Row[] {
  const [first = "", second = ""] = titles.map((title) => markdown.split(title)[1] ?? "");
  const rowsIn = (part: string): ReadonlyMap<string, readonly Cell[]> =>
    new Map(
      [...(part.split("\n## ")[0] ?? "").matchAll(/^\| ([a-z][^|]*?) \| (.*) \|$/gm)].map(
        ([, tool = "", cells = ""]) => [tool, cells.split(" | ") as Cell[]],
      ),
    );
  const [reads, writes] = [rowsIn(first), rowsIn(second)];
  return [...reads].map(([tool, cells]) => ({ tool, reads: cells, writes: writes.get(tool) ?? [] }));
}
