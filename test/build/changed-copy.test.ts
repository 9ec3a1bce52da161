import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Image } from "#image";
import { type Built, type Files, Lab, missing } from "./lab.ts";

const skip = missing();
// Enough that a last copy goes into its layer only.
const count = 1040;
const dockerfile = "FROM scratch\nCOPY . /src\n";

function manyFiles(): Files {
  const files = Array.from({ length: count }, (_, at) => [`d${at % 13}/f${at}`, `content ${at}`]);
  return {
    ...Object.fromEntries(files),
    top: "top",
    "e/": "",
    "d1/x/deep": "deep",
    link: "@d1/f1",
    ".dockerignore": "*.no\n",
  };
}

/** A store that counts the copies that were made out of an earlier layer. */
class CountingLab extends Lab {
  repeated = 0;

  override open(): ReturnType<Lab["open"]> {
    const { images } = this;
    const commitChanged = images.commitChanged.bind(images);
    images.commitChanged = async (...change) => {
      const done = await commitChanged(...change);
      if (done !== undefined) this.repeated += 1;
      return done;
    };
    return super.open();
  }
}

interface Case {
  readonly context: string;
  readonly text?: string;
  readonly base?: boolean;
}

/** After so long a file that changed does so visibly. */
async function settle(): Promise<void> {
  await delay(60);
}

async function cold<T>(
  { context, text = dockerfile, base = false }: Case,
  look: (lab: Lab, built: Built) => Promise<T>,
): Promise<T> {
  await using lab = new Lab();
  if (base) await lab.addBusybox();
  return await look(lab, await lab.build(text, { context }));
}

/** Every path of the image with its mode, owner, length, time and, for files, bytes. */
async function listing(lab: Lab, image: Image): Promise<readonly string[]> {
  const snapshot = await lab.images.unpack(image);
  assert(snapshot !== undefined);
  const root = lab.snapshots.layers(snapshot)[0] ?? "";
  const rows = ["", ...readdirSync(root, { recursive: true, encoding: "utf8" }).sort()].map((path) => {
    const { mode, uid, gid, size, mtimeMs } = lstatSync(join(root, path));
    const bytes = (mode & 0o170000) === 0o100000 ? readFileSync(join(root, path), "latin1") : "";
    return {
      path,
      row: `${path} ${mode.toString(8)} ${uid}:${gid} ${bytes} ${(mode & 0o170000) === 0o040000 ? 0 : size}`,
      mtimeMs,
    };
  });
  // What the build itself made has the time at which it did.
  const old = Date.now() - 3_600_000;
  return rows.map(({ row, mtimeMs }) => `${row} ${mtimeMs > old ? "now" : mtimeMs}`);
}

/** Has files and directories of the context times of their own, which a tree keeps and a layer does not. */
function age(context: string): void {
  for (const path of readdirSync(context, { recursive: true, encoding: "utf8" }))
    if (path !== "link") utimesSync(join(context, path), 1e9, 1e9 + (path.length % 7) + 0.25);
  utimesSync(context, 1e9, 1e9);
}

const small: Readonly<Record<string, (context: string) => void>> = {
  "another content": (context) => writeFileSync(join(context, "d7/f7"), "another"),
  "a longer content": (context) => writeFileSync(join(context, "d7/f7"), "x".repeat(3000)),
  "a file of several chunks": (context) =>
    writeFileSync(join(context, "d7/f7"), Buffer.alloc(2_500_000, "abc")),
  "nothing in a file": (context) => writeFileSync(join(context, "d7/f7"), ""),
  "content again": (context) => writeFileSync(join(context, "d7/f7"), "y".repeat(512)),
  "another mode": (context) => chmodSync(join(context, "d4/f4"), 0o4755),
  "another time and mode": (context) => {
    utimesSync(join(context, "d5/f5"), 1000, 1000.5);
    chmodSync(join(context, "d5/f5"), 0o600);
  },
  "the first and the last file": (context) => {
    writeFileSync(join(context, ".dockerignore"), "*.no\n# first\n");
    writeFileSync(join(context, "top"), "last of all");
  },
  neighbours: (context) => {
    for (const at of [0, 13, 26]) writeFileSync(join(context, `d0/f${at}`), `now ${"z".repeat(at * 50)}`);
  },
  "files that were replaced, as editors do": (context) => {
    for (const path of ["d1/x/deep", "top"]) {
      writeFileSync(join(context, `${path}.new`), `new ${path}`);
      renameSync(join(context, `${path}.new`), join(context, path));
    }
  },
};

test("a copy of which few files changed is what a store without memory makes", { skip }, async (t) => {
  await using lab = new CountingLab();
  const context = lab.directory(manyFiles());
  age(context);
  await settle();
  await lab.build(dockerfile, { context });
  for (const [name, change] of Object.entries(small))
    await t.test(name, async () => {
      const before = lab.repeated;
      change(context);
      await settle();
      const { image, steps } = await lab.build(dockerfile, { context });
      assert.deepEqual(steps, { ran: 1, cached: 0 });
      assert.equal(lab.repeated, before + 1);
      await cold({ context }, async (other, made) => {
        assert.equal(image.id, made.image.id);
        assert.equal(image.sizeBytes, made.image.sizeBytes);
        assert.deepEqual(await listing(lab, image), await listing(other, made.image));
      });
      assert.deepEqual((await lab.build(dockerfile, { context })).steps, { ran: 0, cached: 1 });
    });
});

const large: Readonly<Record<string, (context: string, lab: Lab) => void>> = {
  "an attribute": (context, { host }) =>
    host.files.setXattr(join(context, "d5/f5"), "user.five", Buffer.from("5")),
  "a new file": (context) => writeFileSync(join(context, "d1/new"), "new"),
  "a file less": (context) => rmSync(join(context, "d1/f1")),
  "another name": (context) => renameSync(join(context, "d2/f2"), join(context, "d2/other")),
  "a file that becomes a link": (context) => {
    rmSync(join(context, "d3/f3"));
    symlinkSync("f16", join(context, "d3/f3"));
  },
  "a file that becomes a directory": (context) => {
    rmSync(join(context, "d4/f4"));
    mkdirSync(join(context, "d4/f4"));
  },
  "a further name of a file": (context) => {
    rmSync(join(context, "d8/f8"));
    linkSync(join(context, "d8/f21"), join(context, "d8/f8"));
  },
  "a file that is two no longer": (context) => {
    rmSync(join(context, "d8/f8"));
    writeFileSync(join(context, "d8/f8"), "eight");
  },
  "another mode of a directory": (context) => chmodSync(join(context, "d6"), 0o700),
  "a file with holes": (context) => {
    const fd = openSync(join(context, "d9/f9"), "w");
    ftruncateSync(fd, 3 << 20);
    closeSync(fd);
  },
  "many files": (context) => {
    for (let at = 100; at < 240; at += 1) writeFileSync(join(context, `d${at % 13}/f${at}`), `other ${at}`);
  },
};

test("a copy of which more changed is made as the first", { skip }, async (t) => {
  await using lab = new CountingLab();
  const context = lab.directory(manyFiles());
  await settle();
  await lab.build(dockerfile, { context });
  for (const [name, change] of Object.entries(large))
    await t.test(name, async () => {
      change(context, lab);
      await settle();
      assert.deepEqual((await lab.build(dockerfile, { context })).steps, { ran: 1, cached: 0 });
      assert.equal(lab.repeated, 0);
    });
  const { image } = await lab.build(dockerfile, { context });
  await cold({ context }, async (_other, made) => assert.equal(image.id, made.image.id));
});

const dockerfiles: readonly (readonly [text: string, isRepeated: boolean])[] = [
  ["FROM busybox\nCOPY . /etc\nCMD a\n", true],
  ["FROM busybox\nRUN mkdir -p /srv/a/b && chmod 700 /srv\nCOPY --chown=user:staff . /srv/a\n", true],
  ["FROM busybox\nCOPY --chmod=u=rwX,go= . /new/place/\n", true],
  ["FROM busybox\nCOPY . .\n", true],
  ["FROM scratch\nCOPY --link . /\n", true],
  ["FROM scratch\nADD --chown=5:6 . /src\n", true],
  ["FROM scratch\nCOPY --exclude=d1 . /src\n", false],
  ["FROM scratch AS a\nCOPY . /src\nFROM scratch\nCOPY --from=a /src /src\n", false],
];

for (const [text, isRepeated] of dockerfiles)
  test(`${JSON.stringify(text)} with a changed file`, { skip }, async () => {
    await using lab = new CountingLab();
    await lab.addBusybox();
    const context = lab.directory(manyFiles());
    await settle();
    await lab.build(text, { context });
    writeFileSync(join(context, "d7/f7"), "x".repeat(1000));
    chmodSync(join(context, "d8/f8"), 0o755);
    await settle();
    const { image } = await lab.build(text, { context });
    assert.equal(lab.repeated, isRepeated ? 1 : 0);
    await cold({ context, text, base: true }, async (other, made) => {
      // The time of what RUN made is another, and its layer with it, but not that of the copy.
      assert.equal(image.manifest.layers.at(-1)?.digest, made.image.manifest.layers.at(-1)?.digest);
      assert.deepEqual([...(await lab.tree(image))], [...(await other.tree(made.image))]);
    });
  });

test("a file with another time and nothing else keeps its time until it is copied again", {
  skip,
}, async () => {
  await using lab = new CountingLab();
  const context = lab.directory(manyFiles());
  age(context);
  await settle();
  await lab.build(dockerfile, { context });
  utimesSync(join(context, "d5/f5"), 1000, 1000.5);
  await settle();
  assert.deepEqual((await lab.build(dockerfile, { context })).steps, { ran: 0, cached: 1 });
  writeFileSync(join(context, "d7/f7"), "another");
  await settle();
  const { image } = await lab.build(dockerfile, { context });
  await cold({ context }, async (_other, made) => assert.equal(image.id, made.image.id));
});

interface Started {
  readonly lab: CountingLab;
  readonly context: string;
  /** The layer of the first build. */
  readonly layer: string;
  readonly image: Image;
}

/** A first build, and then a changed file. */
async function started(lab: CountingLab): Promise<Started> {
  const context = lab.directory(manyFiles());
  await settle();
  const { image } = await lab.build(dockerfile, { context });
  const [layer] = image.manifest.layers;
  assert(layer !== undefined);
  writeFileSync(join(context, "d7/f7"), "another");
  await settle();
  return { lab, context, image, layer: join(lab.root, "blobs/sha256", layer.digest.slice("sha256:".length)) };
}

const losses: Readonly<Record<string, (started: Started) => void | Promise<void>>> = {
  "a damaged layer": ({ layer }) => {
    const bytes = readFileSync(layer);
    bytes[bytes.length - 5000] = (bytes[bytes.length - 5000] ?? 0) ^ 1;
    writeFileSync(layer, bytes);
  },
  "a cut layer": ({ layer }) => writeFileSync(layer, readFileSync(layer).subarray(0, 4096)),
  "no layer": ({ layer }) => rmSync(layer),
  "a damaged map of the layer": ({ lab }) => {
    const folder = join(lab.root, "images/snapshots");
    const [map = ""] = readdirSync(folder).filter((name) => name.endsWith("map"));
    const bytes = readFileSync(join(folder, map));
    bytes[20_000] = (bytes[20_000] ?? 0) ^ 1;
    writeFileSync(join(folder, map), bytes);
  },
  "a damaged note of the digest": ({ lab }) => {
    const folder = join(lab.root, "build/index");
    const [note = ""] = readdirSync(folder).filter((name) => name.includes("."));
    const bytes = readFileSync(join(folder, note));
    bytes[bytes.length - 300] = (bytes[bytes.length - 300] ?? 0) ^ 1;
    writeFileSync(join(folder, note), bytes);
  },
  "a directory of the earlier tree that is gone": ({ lab }) => {
    const [place = ""] = lab.snapshots.list().flatMap((name) => lab.snapshots.places(name));
    rmSync(join(place, "src/e"), { recursive: true });
  },
};

for (const [name, lose] of Object.entries(losses))
  test(`with ${name} every file is read`, { skip }, async () => {
    await using lab = new CountingLab();
    const begun = await started(lab);
    await lose(begun);
    const { image, steps } = await lab.build(dockerfile, { context: begun.context });
    assert.deepEqual([lab.repeated, steps], [0, { ran: 1, cached: 0 }]);
    await cold(begun, async (_other, made) => assert.equal(image.id, made.image.id));
  });

test("a copy whose files are laid out by now is repeated, too", { skip }, async () => {
  await using lab = new CountingLab();
  const begun = await started(lab);
  await lab.images.unpack(begun.image).then((snapshot) => snapshot && lab.snapshots.layers(snapshot));
  const { image } = await lab.build(dockerfile, { context: begun.context });
  assert.equal(lab.repeated, 1);
  await cold(begun, async (other, made) =>
    assert.deepEqual(await listing(lab, image), await listing(other, made.image)),
  );
});

test("two builds at once of a changed context give one result; a step told to run again reads every file", {
  skip,
}, async () => {
  await using lab = new CountingLab();
  const { context } = await started(lab);
  const [one, two] = await Promise.all([1, 2].map(() => lab.build(dockerfile, { context })));
  assert.equal(one?.image.id, two?.image.id);
  assert.equal(lab.repeated, 1);
  const again = await lab.build(dockerfile, { context, noCache: true });
  assert.equal(lab.repeated, 1);
  assert.equal(again.image.id, one?.image.id);
});
