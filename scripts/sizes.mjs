// Measures the recipes and the examples and writes docs/sizes.md. Needs root, the network and some minutes.
//   node scripts/sizes.mjs [--root DIR] [--only recipes|examples] [--output FILE] [--npmrc FILE]
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";
import { Engine } from "../dist/engine.js";
import { claims, differences, examples, formNames, recipes, roles } from "./sizes-list.mjs";

const { values } = parseArgs({
  options: {
    root: { type: "string" },
    only: { type: "string" },
    output: { type: "string", default: "docs/sizes.md" },
    npmrc: { type: "string" },
  },
});

const engine = new Engine(values.root === undefined ? {} : { root: values.root });
const parts = [];
try {
  if (values.only !== "recipes") parts.push(...(await exampleParts()));
  if (values.only !== "examples") parts.push(...(await recipeParts()));
} finally {
  await engine[Symbol.asyncDispose]();
}
const intro = `# Sizes

Written by \`node scripts/sizes.mjs\` from images that it builds; Debian's packages of ${new Date().toISOString().slice(0, 10)}, amd64.
"Unpacked" counts the bytes of regular files, each once; "compressed" is each layer as gzip level 6. "Packages" are those that
the image's own databases list, "executables" the files that may be executed, "setuid" those that run with the rights of their
owner. A MB is 1,000,000 bytes, a MiB 1,048,576.
`;
writeFileSync(values.output, `${[intro, ...parts].join("\n").trimEnd()}\n`);

async function exampleParts() {
  const measured = new Map();
  const rows = [];
  for (const [name, forms] of Object.entries(examples))
    for (const form of forms) {
      const row = await measureExample(name, form);
      measured.set(`${name} ${form}`, row);
      rows.push([
        name,
        formNames[form],
        megabytes(row.unpacked),
        megabytes(row.compressed),
        row.files,
        row.packages,
        row.executables,
        row.shells,
        row.managers,
        row.setuid,
      ]);
    }
  const head =
    "example|image|unpacked MB|compressed MB|files|packages|executables|shells|package managers|setuid".split(
      "|",
    );
  const said = claims.map(({ claim, example, form }) => {
    const before = measured.get(`${example} traditional`).unpacked;
    const after = measured.get(`${example} ${form}`).unpacked;
    return [claim, example, megabytes(before), megabytes(after), (before / after).toFixed(0)];
  });
  return [
    "## Examples",
    "",
    tableOf(head, rows, 2),
    "",
    'What is said of multi-stage builds, and what these examples show ("one stage" to the smallest):',
    "",
    tableOf(["claim", "example", "one stage MB", "smallest MB", "times smaller"], said, 2),
    "",
  ];
}

async function measureExample(name, form) {
  const tag = `sizes-${name}:${form}`;
  const context = join("examples", name);
  const file = join(context, form === "latest" ? "Dockerfile" : `Dockerfile.${form}`);
  console.log(`building ${file}`);
  const secrets = values.npmrc === undefined ? [] : [`id=npmrc,src=${values.npmrc}`];
  await engine.build({ context, file, tags: [tag], secrets });
  return await measure(tag);
}

async function recipeParts() {
  const folder = mkdtempSync(join(tmpdir(), "lighter-sizes-"));
  try {
    const rows = [];
    for (const { image, google, target, text } of recipes) {
      const row = await measureRecipe(image, text, folder);
      const [mib, gzip] = [row.unpacked, row.compressed].map(mebibytes);
      rows.push([image, mib, gzip, google ?? "", target ?? "", row.files, row.packages, row.executables]);
    }
    const kept = [];
    for (const image of roles) {
      const row = await measureRecipe(image, undefined, folder);
      const [mib, gzip] = [row.unpacked, row.compressed].map(mebibytes);
      kept.push([image, mib, gzip, row.files, row.packages, row.executables, row.setuid]);
    }
    const head = "image|unpacked MiB|compressed MiB|Google's list|target|files|packages|executables";
    const roleHead = "image|unpacked MiB|compressed MiB|files|packages|executables|setuid";
    return [
      "## Distroless recipes",
      "",
      '"Google\'s list" is what the packages that Google names for its image weigh unpacked, for the same release where it has one;',
      '"target" is the size that the slim tier was meant to reach. None has a shell, a package manager or a setuid file.',
      "",
      tableOf(head.split("|"), rows, 1),
      "",
      "The same packages as in Google's list, but for these:",
      "",
      ...differences.map((difference) => `- ${difference}`),
      "",
      "## Images to build on",
      "",
      tableOf(roleHead.split("|"), kept, 1),
      "",
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureRecipe(image, text, folder) {
  console.log(`assembling ${image}`);
  if (text === undefined) {
    await engine.recipes.build(image);
    return await measure(image);
  }
  const path = join(folder, "recipe.yaml");
  writeFileSync(path, text);
  await engine.recipes.build(path, { tags: ["sizes-recipe"] });
  return await measure("sizes-recipe");
}

async function measure(image) {
  const contents = await engine.images.contents(image);
  const { components } = await engine.recipes.sbom(image, "cyclonedx");
  let compressed = 0;
  for (const layer of engine.images.get(image).layers) compressed += await gzipBytes(layer.descriptor.digest);
  return {
    unpacked: contents.sizeBytes,
    compressed,
    files: contents.files,
    executables: contents.executables,
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

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(2);
}

/** @param texts how many columns stand at the left */
function tableOf(head, rows, texts) {
  const line = head.map((_, column) => (column < texts ? "---" : "---:"));
  return [head, line, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
