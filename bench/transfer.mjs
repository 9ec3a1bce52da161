// Times one transfer of an image, and prints the seconds, the command's peak of memory in KiB (0: not known) and the bytes that
// were written where it sent them: what it takes to make the image and to start the registry is not measured.
//   node bench/transfer.mjs pull|push|save|load WORK ENGINE COMMAND...
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  bytesBelow,
  large,
  makeImages,
  manyFiles,
  must,
  succeeds,
  withRegistry,
} from "./transfer-images.mjs";

const [verb, work, engine, ...command] = process.argv.slice(2);
const folder = join(work, "transfer");
const archive = join(folder, "large.tar");
const out = join(folder, `out-${engine}.tar`);
const fresh = join(folder, `fresh-${engine}`);
const lighter = ["bin/lighter", "--root", join(folder, "lighter-root")];
const program = engine.split("-")[0];
const { prepare, run, clean } = commandsOf(program)[verb];

await makeImages(folder, lighter);
console.log((await { pull, push, save, load }[verb]()).join(" "));

async function pull() {
  return await withRegistry(folder, "full", () => {
    prepare?.();
    const result = timed(run);
    clean?.();
    return [...result, 0];
  });
}

/** Into a registry that has nothing, and with no compressed layer remembered. */
async function push() {
  await withRegistry(folder, "full", () => prepare?.());
  rmSync(join(folder, "empty"), { recursive: true, force: true });
  const result = await withRegistry(folder, "empty", () => timed(run));
  return [...result, bytesBelow(join(folder, "empty"))];
}

function save() {
  prepare?.();
  const result = timed(run);
  const bytes = statSync(out).size;
  rmSync(out, { force: true });
  return [...result, bytes];
}

function load() {
  prepare?.();
  const result = timed(run);
  clean?.();
  return [...result, 0];
}

/** What each engine does for each verb, and what must be so before. */
function commandsOf(name) {
  const store = (root) => [command[0], "--root", root, "--runroot", `${root}-run`];
  const kept = join(folder, `${engine}-store`);
  const plain = `oci:${join(folder, "plain")}:1`;
  const dropFresh = () => rmSync(fresh, { recursive: true, force: true });
  const unsafe = "--tls-verify=false";
  const unlessThere = (words, image, get) => () =>
    succeeds([...words, "image", "inspect", image]) || must([...words, ...get]);
  return {
    lighter: {
      pull: { run: [command[0], "--root", fresh, "pull", "-q", manyFiles], clean: dropFresh },
      push: { prepare: forgetCompressed, run: [...lighter, "push", "-q", manyFiles] },
      save: { run: [...lighter, "save", "-o", out, large] },
      load: {
        prepare: () => must([...lighter, "rmi", "-f", large]),
        run: [...lighter, "load", "-i", archive],
      },
    },
    docker: {
      pull: {
        prepare: () => succeeds([...command, "rmi", "-f", manyFiles]),
        run: [...command, "pull", "-q", manyFiles],
      },
      push: {
        prepare: unlessThere(command, manyFiles, ["pull", "-q", manyFiles]),
        run: [...command, "push", "-q", manyFiles],
      },
      save: {
        prepare: unlessThere(command, large, ["load", "-i", archive]),
        run: [...command, "save", "-o", out, large],
      },
      load: {
        prepare: () => succeeds([...command, "rmi", "-f", large]),
        run: [...command, "load", "-i", archive],
      },
    },
    podman: {
      pull: { run: [...store(fresh), "pull", "-q", unsafe, manyFiles], clean: dropFresh },
      push: {
        prepare: unlessThere(store(kept), manyFiles, ["pull", "-q", unsafe, manyFiles]),
        run: [...store(kept), "push", "-q", unsafe, manyFiles],
      },
      save: {
        prepare: unlessThere(store(kept), large, ["load", "-i", archive]),
        run: [...store(kept), "save", "-o", out, large],
      },
      load: {
        prepare: () => succeeds([...store(kept), "rmi", "-f", large]),
        run: [...store(kept), "load", "-i", archive],
      },
    },
    // It has no store and unpacks nothing: a layout with uncompressed layers stands for one.
    skopeo: {
      push: { run: [...command, "copy", "-q", "--dest-tls-verify=false", plain, `docker://${manyFiles}`] },
      save: {
        prepare: () =>
          existsSync(kept) || must([...command, "copy", "-q", `docker-archive:${archive}`, `oci:${kept}:1`]),
        run: [...command, "copy", "-q", `oci:${kept}:1`, `docker-archive:${out}:${large}`],
      },
      load: {
        prepare: dropFresh,
        run: [...command, "copy", "-q", `docker-archive:${archive}`, `oci:${fresh}:1`],
        clean: dropFresh,
      },
    },
  }[name];
}

function forgetCompressed() {
  const layers = join(folder, "lighter-root/images/layers");
  for (const name of readdirSync(layers)) if (/\.gzip/.test(name)) rmSync(join(layers, name));
}

function timed(words) {
  const timeProgram = "/usr/bin/time";
  const note = join(folder, `peak-${engine}`);
  const measured = existsSync(timeProgram) ? [timeProgram, "-f", "%M", "-o", note, ...words] : words;
  // What was written before is not this command's to wait for.
  spawnSync("sync", ["-f", folder]);
  const start = process.hrtime.bigint();
  must(measured);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return [seconds.toFixed(4), existsSync(note) ? Number(readFileSync(note, "utf8")) : 0];
}
