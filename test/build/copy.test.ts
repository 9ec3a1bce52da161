import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Files, Lab, missing } from "./lab.ts";

const skip = missing();
let lab: Lab;
before(async () => {
  lab = new Lab();
  if (skip === undefined) await lab.addBusybox();
});
after(() => lab[Symbol.asyncDispose]());

interface Case {
  readonly name: string;
  readonly files?: Files;
  /** Run in the context before the build. */
  readonly prepare?: string;
  readonly dockerfile: string;
  /** The tree of the image, as {@link flatten} writes it; only the paths that are named when `part`. */
  readonly tree: Files;
  readonly part?: boolean;
}

const cases: readonly Case[] = [
  {
    name: "a file to a name and to a directory",
    files: { a: "A", b: "B" },
    dockerfile: "FROM scratch\nCOPY a /x\nCOPY a b /d/\n",
    tree: { "d/": "755 0:0", "d/a": "644 0:0 A", "d/b": "644 0:0 B", x: "644 0:0 A" },
  },
  {
    name: "a directory gives its contents",
    files: { "d/x": "X", "d/e/y": "Y" },
    dockerfile: "FROM scratch\nCOPY d /to\n",
    tree: { "to/": "755 0:0", "to/e/": "755 0:0", "to/e/y": "644 0:0 Y", "to/x": "644 0:0 X" },
  },
  {
    name: "modes are kept, --chmod and --chown change them, also of directories on the way",
    files: { a: "A" },
    prepare: "chmod 4751 a",
    dockerfile:
      "FROM busybox\nCOPY a /1\nCOPY --chmod=640 --chown=user a /new/2\nCOPY --chmod=go= --chown=7:staff a /3\n",
    tree: { "1": "4751 0:0 A", "new/": "640 1000:1001", "new/2": "640 1000:1001 A", "3": "4700 7:50 A" },
    part: true,
  },
  {
    name: "directories on the way have no special bits of --chmod",
    files: { a: "A" },
    dockerfile: "FROM scratch\nCOPY --chmod=7777 a /new/a\n",
    tree: { "new/": "777 0:0", "new/a": "7777 0:0 A" },
  },
  {
    name: "wildcards take what matches and nothing is fine",
    files: { "a.txt": "A", "b.txt": "B", "c.md": "C" },
    dockerfile: "FROM scratch\nCOPY *.txt none* [c].m? /d/\n",
    tree: { "d/": "755 0:0", "d/a.txt": "644 0:0 A", "d/b.txt": "644 0:0 B", "d/c.md": "644 0:0 C" },
  },
  {
    name: "links in a source are followed inside the context, links in a tree are copied",
    files: { "real/f": "F", link: "@real", evil: "@../../../../etc", "tree/l": "@nowhere" },
    prepare: "mkdir etc; echo inside > etc/passwd",
    dockerfile: "FROM scratch\nCOPY link/f /f\nCOPY evil/passwd /passwd\nCOPY tree /tree\n",
    tree: { f: "644 0:0 F", passwd: "644 0:0 inside", "tree/": "755 0:0", "tree/l": "777 0:0 nowhere" },
  },
  {
    name: "links in a destination are followed inside the image",
    files: { a: "A" },
    dockerfile:
      "FROM busybox\nRUN mkdir /real && ln -s /real /l && ln -s ../../../../tmp /out\nCOPY a /l/\nCOPY a /out/b\n",
    tree: { "real/a": "644 0:0 A", "tmp/b": "644 0:0 A" },
    part: true,
  },
  {
    name: "copies from a stage keep owners",
    dockerfile: "FROM busybox AS s\nRUN echo x > /f && chown 12:34 /f\nFROM scratch\nCOPY --from=s /f /f\n",
    tree: { f: "644 12:34 x" },
  },
  {
    name: "an existing directory keeps its metadata, those below take the source's",
    files: { "d/sub/f": "F" },
    prepare: "chmod 700 d d/sub",
    dockerfile:
      "FROM busybox\nRUN mkdir -m 1777 -p /t && mkdir -m 711 /t/sub && echo old > /t/sub/old\nCOPY d /t\n",
    tree: { "t/": "1777 0:0", "t/sub/": "700 0:0", "t/sub/f": "644 0:0 F", "t/sub/old": "644 0:0 old" },
    part: true,
  },
  {
    name: "the ignore file hides, and takes back",
    files: {
      ".dockerignore": "*\n!keep\n!d/in\nkeep/not\n",
      "keep/a": "A",
      "keep/not": "N",
      "d/in": "I",
      "d/out": "O",
      x: "X",
    },
    dockerfile: "FROM scratch\nCOPY . /\n",
    tree: { "d/": "755 0:0", "d/in": "644 0:0 I", "keep/": "755 0:0", "keep/a": "644 0:0 A" },
  },
  {
    name: "--exclude and --parents",
    files: { "a/b/c.txt": "C", "a/b/d.md": "D", "a/e.txt": "E" },
    dockerfile: "FROM scratch\nCOPY --exclude=**/*.md a /x/\nCOPY --parents a/b/*.txt ./a/./e.txt /y/\n",
    tree: {
      "x/": "755 0:0",
      "x/b/": "755 0:0",
      "x/b/c.txt": "644 0:0 C",
      "x/e.txt": "644 0:0 E",
      "y/": "755 0:0",
      "y/a/": "755 0:0",
      "y/a/b/": "755 0:0",
      "y/a/b/c.txt": "644 0:0 C",
      "y/e.txt": "644 0:0 E",
    },
  },
  {
    name: "--parents of a whole directory, and below a pivot that is a link",
    files: { "a/b": "B", c: "C" },
    prepare: "ln -s a link",
    dockerfile: "FROM scratch\nCOPY --parents . /x/\nCOPY --parents a/./. link/./b /y/\n",
    tree: {
      "x/": "755 0:0",
      "x/a/": "755 0:0",
      "x/a/b": "644 0:0 B",
      "x/c": "644 0:0 C",
      "x/link": "777 0:0 a",
      "y/": "755 0:0",
      "y/b": "644 0:0 B",
    },
  },
  {
    name: "--link does not see the tree below",
    files: { a: "A" },
    dockerfile: "FROM busybox\nRUN mkdir -m 700 /d\nCOPY --link a /d/\n",
    tree: { "d/": "755 0:0", "d/a": "644 0:0 A" },
    part: true,
  },
  {
    name: "inline documents",
    dockerfile: 'FROM scratch\nARG V=1\nCOPY --chmod=600 <<EOF <<"RAW" /d/\nv=$V\nEOF\nv=$V\nRAW\n',
    tree: { "d/": "600 0:0", "d/EOF": "600 0:0 v=1", "d/RAW": "600 0:0 v=$V" },
  },
  {
    name: "ADD unpacks archives by content",
    files: { "src/x": "X" },
    prepare: "tar -cf a.bin -C src x; tar -czf b.bin -C src x; tar -cJf c.bin -C src x; gzip -k src/x",
    dockerfile:
      "FROM scratch\nADD a.bin /a\nADD b.bin /b\nADD --chown=5:6 c.bin /c\nADD src/x.gz /d/\nADD --unpack=false a.bin /e\n",
    tree: { "a/x": "644 0:0 X", "b/x": "644 0:0 X", "c/x": "644 5:6 X", "a/": "755 0:0" },
    part: true,
  },
  {
    name: "WORKDIR makes directories for the user",
    dockerfile: "FROM busybox\nUSER user\nWORKDIR /w/x\n",
    tree: { "w/": "755 1000:1001", "w/x/": "755 1000:1001" },
    part: true,
  },
];

for (const item of cases)
  test(`COPY: ${item.name}`, { skip }, async () => {
    const context = lab.directory(item.files ?? {});
    if (item.prepare !== undefined) execFileSync("sh", ["-ec", item.prepare], { cwd: context });
    const cold = await lab.build(item.dockerfile, { context });
    const warm = await lab.build(item.dockerfile, { context });
    assert.equal(warm.steps.ran, 0);
    assert.equal(warm.image.target.digest, cold.image.target.digest);
    const tree = await lab.tree(cold.image);
    const shown =
      item.part === true ? Object.keys(item.tree).map((path) => [path, tree.get(path)]) : [...tree];
    assert.deepEqual(Object.fromEntries(shown), item.tree);
    if (item.part !== true) assert.deepEqual([...tree.keys()], Object.keys(item.tree));
  });

test("hard links, holes and attributes survive", { skip }, async () => {
  const context = lab.directory({ "d/a": "A" });
  linkSync(join(context, "d/a"), join(context, "d/b"));
  execFileSync("truncate", ["-s", "64M", join(context, "d/hole")]);
  lab.host.files.setXattr(join(context, "d/a"), "user.note", Buffer.from("kept"));
  const { image } = await lab.build("FROM scratch\nCOPY d /d\n", { context });
  const snapshot = await lab.images.unpack(image);
  assert(snapshot !== undefined);
  const [layer = ""] = lab.snapshots.layers(snapshot);
  const inode = (name: string): string =>
    execFileSync("stat", ["-c", "%i %b", join(layer, "d", name)]).toString();
  assert.equal(inode("a"), inode("b"));
  assert.match(inode("hole"), / 0\n$/);
  assert.equal(
    Buffer.from(lab.host.files.getXattr(join(layer, "d/a"), "user.note") ?? []).toString(),
    "kept",
  );
});

test("times do not matter, content does, and the file that changed is named", { skip }, async () => {
  const files = { "one/a": "A", "one/b": "B" };
  const context = lab.directory(files);
  // What changed a moment before it is read is read again the next time.
  await delay(50);
  const first = await lab.build("FROM scratch\nCOPY one/ /d/\n", { context });
  utimesSync(join(context, "one/a"), 1000, 1000);
  const touched = await lab.build("FROM scratch\nCOPY one/ /d/\n", { context });
  assert.equal(touched.steps.ran, 0);
  writeFileSync(join(context, "one/a"), "C");
  const changed = await lab.build("FROM scratch\nCOPY one/ /d/\n", { context });
  assert.equal(changed.steps.ran, 1);
  const reasons = changed.events.flatMap((event) =>
    event.kind === "finished" && event.reason ? [event.reason] : [],
  );
  assert.deepEqual(reasons, ["one/a changed"]);
  assert.notEqual(changed.image.id, first.image.id);
});

test("the same input gives the same image in another store and another checkout", { skip }, async () => {
  await using other = new Lab();
  await other.addBusybox();
  const text =
    "FROM busybox\nWORKDIR /w\nCOPY . .\nRUN mv a moved && cp -p b copied && echo new > new && mkdir d\n";
  const build = async (store: Lab, time: number): Promise<string> => {
    const context = store.directory({ a: "A", b: "B" });
    for (const name of ["a", "b"]) utimesSync(join(context, name), time, time);
    return (await store.build(text, { context })).image.target.digest;
  };
  assert.equal(await build(lab, 1_500_000_000), await build(other, 1_600_000_000));
});

test("an empty stage can be copied and mounted", { skip }, async () => {
  const text = "FROM scratch AS e\nFROM busybox\nCOPY --from=e / /x/\nRUN --mount=from=e,target=/m ls /m\n";
  const { output, image } = await lab.build(text);
  assert.deepEqual([output, (await lab.tree(image)).get("x/")], ["", "755 0:0"]);
});

test("what --parents cannot take says why", { skip }, async () => {
  const files = { ".dockerignore": "hidden\n", "a/b": "B", "hidden/f": "F" };
  const context = lab.directory(files);
  execFileSync("sh", ["-ec", "ln -s a link; ln -s / root"], { cwd: context });
  for (const [source, message] of [
    ["link/b", /^"\/link\/b": not found; "\/link" is a link, which --parents keeps; name the path/],
    ["a/../link/b", /"\/link" is a link/],
    ["a/absent", /the build context has no such path$/],
    ["hidden/f", /the ignore file leaves it out$/],
  ] as const)
    await assert.rejects(lab.build(`FROM scratch\nCOPY --parents ${source} /o/\n`, { context }), {
      code: "COPY_SOURCE_NOT_FOUND",
      message,
    });
  // Where the link leads to outside the context is nothing that counts.
  await assert.rejects(lab.build("FROM scratch\nCOPY root/etc/passwd /o/\n", { context }), {
    code: "COPY_SOURCE_NOT_FOUND",
    message: /the build context has no such path$/,
  });
});

test("a pattern that is none is refused", { skip }, async () => {
  for (const pattern of ["[", "sub/a[", "[^]"])
    await assert.rejects(lab.build(`FROM scratch\nCOPY ${pattern} /o/\n`, { files: { a: "" } }), {
      code: "DOCKERFILE_INVALID",
      message: /syntax error in pattern/,
    });
});

test("a directory cannot become a file", { skip }, async () => {
  const files = { a: "A" };
  await assert.rejects(lab.build("FROM busybox\nCOPY a /bin/sh/\n", { files }), { code: "COPY_INVALID" });
  await assert.rejects(lab.build("FROM busybox\nRUN mkdir -p /x/a\nCOPY a /x\n", { files }), {
    code: "COPY_INVALID",
    message: /cannot replace directory "\/x\/a" with a file/,
  });
});

test("an executable keeps its capability-free setuid bit through a stage", { skip }, async () => {
  const context = lab.directory({ tool: "#!/bin/sh\n" });
  chmodSync(join(context, "tool"), 0o6755);
  mkdirSync(join(context, "empty"));
  const { image } = await lab.build(
    "FROM busybox AS s\nCOPY tool /tool\nFROM scratch\nCOPY --from=s /tool /t\n",
    { context },
  );
  assert.equal((await lab.tree(image)).get("t"), "6755 0:0 #!/bin/sh");
});
