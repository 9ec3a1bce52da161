// Measures the recipes and the examples and writes docs/sizes.md. Needs root, the network and some minutes.
//   node scripts/sizes.mjs [--root DIR] [--only recipes|examples] [--output FILE]
import { createReadStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";
import { Engine } from "../dist/engine.js";

const { values } = parseArgs({
  options: {
    root: { type: "string" },
    only: { type: "string" },
    output: { type: "string", default: "docs/sizes.md" },
  },
});

const recipes = [
  "static base-nossl base cc python3 java17 nodejs18"
    .split(" ")
    .flatMap((name) => [`distroless/${name}`, `distroless/${name}:slim`]),
  "distroless/nginx busybox tiny debian:bookworm-slim debian:bookworm python:3.11-slim".split(" "),
].flat();

const examples = [
  { name: "go-calculator", forms: ["traditional", ""] },
  { name: "python-calculator", forms: ["traditional", "slim", ""] },
  { name: "java-hello", forms: ["traditional", "slim", ""] },
  { name: "node-service", forms: ["traditional", ""] },
];

const formNames = { traditional: "one stage", slim: "slim", "": "lighter" };

const engine = new Engine(values.root === undefined ? {} : { root: values.root });
const parts = [];
if (values.only !== "examples") parts.push("## Recipes", "", await tableOf(await measureRecipes()), "");
if (values.only !== "recipes") parts.push("## Examples", "", await tableOf(await measureExamples()), "");
const intro = `# Sizes

Written by \`node scripts/sizes.mjs\` from images that it builds; Debian's packages of ${new Date().toISOString().slice(0, 10)}, amd64.
"Unpacked" counts the bytes of regular files, each once; "compressed" is each layer as gzip level 6. "Packages" are those that
the image's own database lists, "setuid" files run with the rights of their owner.
`;
writeFileSync(values.output, `${[intro, ...parts].join("\n").trimEnd()}\n`);

async function measureRecipes() {
  const rows = [];
  for (const name of recipes) {
    await engine.recipes.build(name);
    rows.push(await measure(name, name));
  }
  return rows;
}

async function measureExamples() {
  const rows = [];
  for (const { name, forms } of examples)
    for (const form of forms) {
      const tag = form === "" ? name : `${name}:${form}`;
      const context = join("examples", name);
      const file = join(context, form === "" ? "Dockerfile" : `Dockerfile.${form}`);
      await engine.build({ context, file, tags: [tag] });
      rows.push(await measure(tag, `${name}, ${formNames[form]}`));
    }
  return rows;
}

async function measure(image, title) {
  const contents = await engine.images.contents(image);
  const { components } = await engine.recipes.sbom(image, "cyclonedx");
  let compressed = 0;
  for (const layer of engine.images.get(image).layers) compressed += await gzipBytes(layer.descriptor.digest);
  return {
    title,
    unpacked: mebibytes(contents.sizeBytes),
    compressed: mebibytes(compressed),
    files: contents.files,
    packages: components.filter(({ type }) => type === "library").length,
    shells: contents.shells.length,
    managers: contents.packageManagers.length,
    setuid: contents.setuid.length,
  };
}

/** Layers of local images are stored uncompressed. */
async function gzipBytes(digest) {
  const [algorithm, encoded] = digest.split(":");
  let total = 0;
  const count = new Writable({
    write(chunk, _, done) {
      total += chunk.length;
      done();
    },
  });
  await pipeline(
    createReadStream(join(engine.root, "blobs", algorithm, encoded)),
    createGzip({ level: 6 }),
    count,
  );
  return total;
}

function mebibytes(bytes) {
  return (bytes / (1 << 20)).toFixed(2);
}

async function tableOf(rows) {
  const head =
    "| image | unpacked MiB | compressed MiB | files | packages | shells | package managers | setuid |";
  const line = "|---|---:|---:|---:|---:|---:|---:|---:|";
  return [head, line, ...rows.map((row) => `| ${Object.values(row).join(" | ")} |`)].join("\n");
}
