import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isLighterError } from "#base";
import { type FakePackage, type MirrorFiles, makeArchive, makeKey, revoke } from "./fake-archive.ts";
import { FakeMirror, Lab, now } from "./lab.ts";

const skip = process.geteuid?.() !== 0 && "unpacking packages with their owners needs root";
const key = await makeKey("Test Archive");
const stranger = await makeKey("Somebody Else");
const date = new Date("2026-11-19T00:00:00Z");
const app: FakePackage = {
  name: "app",
  files: { "./usr/": { kind: "directory" }, "./usr/app": "x".repeat(50_000) },
};
const appPath = "debian/pool/app_1_amd64.deb";
const releasePath = "debian/dists/test/InRelease";

function indexPath(files: MirrorFiles): string {
  const found = [...files.keys()].find((path) => path.startsWith("debian/dists/test/main"));
  return found ?? "";
}

function edit(files: MirrorFiles, path: string, change: (bytes: Buffer) => Buffer): MirrorFiles {
  return new Map(files).set(path, change(files.get(path) ?? Buffer.alloc(0)));
}

/** The last byte becomes another one. */
function damage(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((copy.at(-1) ?? 0) ^ 1, copy.length - 1);
  return copy;
}

const good = await makeArchive([app], { key, date });

const cases: readonly {
  readonly title: string;
  readonly files: MirrorFiles;
  readonly code: string;
  readonly message: RegExp;
}[] = [
  {
    title: "a .deb with a wrong byte",
    files: edit(good, appPath, damage),
    code: "PACKAGE_INVALID",
    message:
      /^cannot use "http:.*\/app_1_amd64\.deb": its bytes are not those that the signed package list names; /,
  },
  {
    title: "a .deb that is shorter than promised",
    files: edit(good, appPath, (bytes) => bytes.subarray(0, 100)),
    code: "PACKAGE_INVALID",
    message: /the mirror has 100 bytes where the signed package list says \d+; try again/,
  },
  {
    title: "a .deb that is longer than promised",
    files: edit(good, appPath, (bytes) => Buffer.concat([bytes, bytes])),
    code: "PACKAGE_INVALID",
    message: /the mirror has \d+ bytes where the signed package list says/,
  },
  {
    title: "a .deb that the mirror does not have",
    files: new Map([...good].filter(([path]) => path !== appPath)),
    code: "MIRROR_UNREACHABLE",
    message: /app_1_amd64\.deb": the mirror answers 404; it may be in the midst of an update/,
  },
  {
    title: "a package list that is not the one that was signed",
    files: edit(good, indexPath(good), damage),
    code: "INDEX_INVALID",
    message: /its bytes are not those that the signed Release file names/,
  },
  {
    title: "a package list that is longer than promised",
    files: edit(good, indexPath(good), (bytes) => Buffer.concat([bytes, Buffer.alloc(10_000)])),
    code: "INDEX_INVALID",
    message: /the mirror sent more than \d+ bytes/,
  },
  {
    title: "a Release file changed after it was signed",
    files: edit(good, releasePath, (bytes) => Buffer.from(bytes.toString().replace("stable", "stabel"))),
    code: "SIGNATURE_INVALID",
    message: /^cannot trust "http:.*\/dists\/test\/InRelease": its signature does not hold/,
  },
  {
    title: "a Release file with no signature",
    files: edit(good, releasePath, () => Buffer.from("Suite: stable\nCodename: test\n")),
    code: "SIGNATURE_INVALID",
    message: /it is not clear-signed/,
  },
  {
    title: "text before the signed text",
    files: edit(good, releasePath, (bytes) => Buffer.concat([Buffer.from("Codename: evil\n\n"), bytes])),
    code: "SIGNATURE_INVALID",
    message: /it is not clear-signed/,
  },
  {
    title: "a Release file signed by a stranger",
    files: await makeArchive([app], { key: stranger, date }),
    code: "SIGNATURE_INVALID",
    message: /none of its signatures is by a key that lighter knows/,
  },
  {
    title: "a signature from the future",
    files: await makeArchive([app], { key, date: new Date("2030-01-01T00:00:00Z") }),
    code: "SIGNATURE_INVALID",
    message: /its signature does not hold/,
  },
  {
    title: "a Release file that has expired",
    files: await makeArchive([app], { key, date, validUntil: new Date("2026-11-19T12:00:00Z") }),
    code: "RELEASE_EXPIRED",
    message: /it was valid until 2026-11-19; use a mirror that is up to date, and check this machine's clock/,
  },
  {
    title: "the Release file of another suite",
    files: edit(good, releasePath, () => good.get("debian/dists/test-updates/InRelease") ?? Buffer.alloc(0)),
    code: "INDEX_INVALID",
    message: /it is the Release file of "test-updates", not of "test"/,
  },
  {
    title: "a suite without this architecture",
    files: await makeArchive([app], { key, date, edit: (text) => text.replaceAll("amd64", "mips") }),
    code: "INDEX_INVALID",
    message: /^cannot use "test": it has no packages for amd64; its architectures are mips$/,
  },
  {
    title: "no such suite",
    files: new Map(),
    code: "MIRROR_UNREACHABLE",
    message: /InRelease": the mirror answers 404; check the mirror's address/,
  },
];

for (const { title, files, code, message } of cases)
  test(title, { skip }, async () => {
    await using lab = new Lab();
    await using mirror = await FakeMirror.open(files);
    await assert.rejects(lab.assemble(mirror.url, { key }), { code, message });
    assert.deepEqual(lab.leftovers(), []);
    // The store is whole: with a good mirror the same store gives the image.
    mirror.files = good;
    const image = await lab.assemble(mirror.url, { key, maxAgeMs: 0 });
    assert.equal(readFileSync(join(await lab.tree(image), "usr/app"), "utf8").length, 50_000);
  });

test("a key that its owner has revoked", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  await assert.rejects(lab.assemble(mirror.url, { key: { archiveKey: await revoke(key) } }), {
    code: "SIGNATURE_INVALID",
    message: /its signature does not hold \(.*revoked.*\); use another mirror/,
  });
  assert.deepEqual(lab.leftovers(), []);
});

test("packages that cannot be had, or not together, are named with the reason", { skip }, async () => {
  const fields = (text: Readonly<Record<string, string>>) => text;
  const packages = [
    { name: "app", fields: fields({ Depends: "tool, lib (>= 2)" }) },
    { name: "tool", fields: fields({ Depends: "missing-part" }) },
    { name: "lib" },
    { name: "old", fields: fields({ Conflicts: "lib" }) },
    { name: "both", fields: fields({ Depends: "lib, old" }) },
  ];
  const archive = await makeArchive(packages, { key, date });
  const rows: readonly (readonly [wanted: string, code: string, message: RegExp])[] = [
    [
      "nothing",
      "PACKAGE_NOT_FOUND",
      /cannot install "nothing": Debian test has no package of that name; check the spelling/,
    ],
    [
      "tool",
      "DEPENDENCY_UNSATISFIABLE",
      /cannot install "tool".*: it depends on missing-part, and Debian test has/,
    ],
    ["app", "DEPENDENCY_UNSATISFIABLE", /lib \(>= 2\)|missing-part/],
    ["lib (>= 3)", "DEPENDENCY_UNSATISFIABLE", /cannot install "lib \(>= 3\)": Debian test has/],
    [
      "both",
      "PACKAGES_CONFLICT",
      /together with ".*"(?: \(.*\))?: old 1 conflicts with lib; leave one of them out/,
    ],
  ];
  for (const [wanted, code, message] of rows) {
    await using lab = new Lab();
    await using mirror = await FakeMirror.open(archive);
    await assert.rejects(lab.assemble(mirror.url, { key, packages: [wanted] }), { code, message }, wanted);
    assert.deepEqual(lab.leftovers(), []);
  }
});

test("a mirror that is down", { skip }, async () => {
  await using lab = new Lab();
  await assert.rejects(lab.assemble("http://127.0.0.1:9", { key }), {
    code: "MIRROR_UNREACHABLE",
    message:
      'cannot download "http://127.0.0.1:9/debian/dists/test/InRelease": the mirror refuses connections; check the network or name another mirror',
  });
  assert.deepEqual(lab.leftovers(), []);
});

test("a mirror that is no address is refused at once", { skip }, async () => {
  await using lab = new Lab();
  for (const mirror of ["nonsense", "ftp://mirror"])
    await assert.rejects(lab.assemble(mirror, { key }), {
      code: "ARGUMENT_INVALID",
      message: `cannot download "${mirror}/debian/dists/test/InRelease": want an http or https address`,
    });
});

test("a mirror that answers with errors is asked again, then given up", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  mirror.answer = (_, response) => {
    response.writeHead(503).end();
    return true;
  };
  await assert.rejects(lab.assemble(mirror.url, { key }), {
    code: "MIRROR_UNREACHABLE",
    message: /the mirror answers 503; check the network/,
  });
  assert.equal(mirror.requests.filter((path) => path === releasePath).length, 3);
});

test("a mirror that falls silent", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  mirror.answer = (request, response, body) => {
    if (request.url !== `/${appPath}`) return false;
    response.writeHead(200, { "Content-Length": body?.length ?? 0 }).write(body?.subarray(0, 1000));
    return true;
  };
  const http = { retries: 1, backoffMs: 5, stallTimeoutMs: 1500 };
  // Lists first: a busy machine makes this mirror silent, too.
  const silent = mirror.answer;
  mirror.answer = () => false;
  await assert.rejects(lab.assemble(mirror.url, { key, packages: ["absent"] }), {
    code: "PACKAGE_NOT_FOUND",
  });
  mirror.answer = silent;
  await assert.rejects(lab.assemble(mirror.url, { key, http }), {
    code: "MIRROR_UNREACHABLE",
    message: /app_1_amd64\.deb": no byte came for 1\.5 s; /,
  });
  assert.deepEqual(lab.leftovers(), []);
});

test("a download that was cut is continued, not begun again", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  let cuts = 0;
  mirror.answer = (request, response, body) => {
    if (request.url !== `/${appPath}` || cuts > 0) return false;
    cuts += 1;
    response.writeHead(200, { "Content-Length": body?.length ?? 0 });
    response.write(body?.subarray(0, 20_000), () => response.destroy());
    return true;
  };
  const image = await lab.assemble(mirror.url, { key });
  assert.ok(existsSync(join(await lab.tree(image), "usr/app")));
  assert.deepEqual(
    mirror.requests.filter((path) => path.startsWith(appPath)).map((path) => path.replace(/\d{4,}/, "N")),
    [appPath, `${appPath} bytes=N-`],
  );
});

test("what a killed download left is continued, and thrown away when it is wrong", { skip }, async () => {
  for (const partial of [good.get(appPath)?.subarray(0, 30_000), Buffer.alloc(30_000, 7)]) {
    await using lab = new Lab();
    await using mirror = await FakeMirror.open(good);
    mirror.answer = (request, response) => {
      if (request.url !== `/${appPath}`) return false;
      response.writeHead(404).end();
      return true;
    };
    await assert.rejects(lab.assemble(mirror.url, { key }), { code: "MIRROR_UNREACHABLE" });
    const pool = join(lab.root, "packages", "pool");
    const [part = ""] = readdirSync(pool).filter((name) => name.endsWith(".part"));
    writeFileSync(join(pool, part), partial ?? "");
    mirror.answer = () => false;
    mirror.requests.length = 0;
    const image = await lab.assemble(mirror.url, { key });
    assert.equal(readFileSync(join(await lab.tree(image), "usr/app"), "utf8"), "x".repeat(50_000));
    assert.equal(mirror.requests[0], `${appPath} bytes=30000-`);
    assert.deepEqual(
      readdirSync(pool).filter((name) => name.endsWith(".part")),
      [],
    );
  }
});

test("a mirror that does not know ranges", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  let answers = 0;
  mirror.answer = (request, response, body) => {
    if (request.url !== `/${appPath}`) return false;
    answers += 1;
    response.writeHead(200, { "Content-Length": body?.length ?? 0 });
    if (answers > 1) response.end(body);
    else response.write(body?.subarray(0, 20_000), () => response.destroy());
    return true;
  };
  const image = await lab.assemble(mirror.url, { key });
  assert.equal(readFileSync(join(await lab.tree(image), "usr/app"), "utf8"), "x".repeat(50_000));
});

test("a kept package that was damaged on the disk is fetched again", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  await lab.assemble(mirror.url, { key });
  const pool = join(lab.root, "packages", "pool");
  for (const name of readdirSync(pool))
    writeFileSync(join(pool, name), damage(readFileSync(join(pool, name))));
  for (const name of lab.snapshots.list()) lab.snapshots.remove(name);
  const image = await lab.assemble(mirror.url, { key });
  assert.equal(readFileSync(join(await lab.tree(image), "usr/app"), "utf8"), "x".repeat(50_000));
});

test("an older state than the one seen before is refused", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  await lab.assemble(mirror.url, { key });
  mirror.files = await makeArchive([app], { key, date: new Date("2026-11-18T00:00:00Z") });
  await assert.rejects(lab.assemble(mirror.url, { key, maxAgeMs: 0 }), {
    code: "RELEASE_EXPIRED",
    message:
      /it is of 2026-11-18T00:00:00\.000Z, older than the one of 2026-11-19T00:00:00\.000Z seen before/,
  });
});

test("offline, what is kept is enough, and it is said", { skip }, async () => {
  await using lab = new Lab();
  const mirror = await FakeMirror.open(good);
  const { url } = mirror;
  const first = await lab.assemble(url, { key });
  await mirror[Symbol.asyncDispose]();
  const fresh = await lab.assemble(url, { key });
  assert.deepEqual(lab.warnings, []);
  const stale = await lab.assemble(url, { key, maxAgeMs: 0 });
  assert.deepEqual(
    [fresh, stale].map(({ target }) => target.digest),
    [first.target.digest, first.target.digest],
  );
  assert.deepEqual(
    lab.warnings,
    ["test", "test-updates", "test-security"].map(
      (suite) => `${suite}: the mirror does not answer; using the package lists of 2026-11-19`,
    ),
  );
  const later = () => new Date(now.getTime() + 400 * 86_400_000);
  const stillGood = await lab.assemble(url, { key, now: later });
  assert.equal(stillGood.target.digest, first.target.digest);
});

test("lists are asked for again only when they have aged", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  await lab.assemble(mirror.url, { key });
  mirror.requests.length = 0;
  await lab.assemble(mirror.url, { key });
  assert.deepEqual(mirror.requests, []);
  await lab.assemble(mirror.url, { key, now: () => new Date(now.getTime() + 7_200_000) });
  assert.equal(mirror.requests.length, 3);
});

test("through a proxy", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  mirror.answer = (request, response) => {
    const { pathname } = new URL(request.url ?? "");
    response.end(mirror.files.get(pathname.slice(1)));
    return true;
  };
  const image = await lab.assemble("http://mirror.invalid", { key, http: { proxy: mirror.url, retries: 0 } });
  assert.ok(existsSync(join(await lab.tree(image), "usr/app")));
  assert.ok(mirror.requests.some((path) => path.includes("mirror.invalid")));
});

test("a cancelled download ends at once and can be taken up again", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(good);
  const cancel = new AbortController();
  mirror.answer = (request, response, body) => {
    if (request.url !== `/${appPath}`) return false;
    response.writeHead(200, { "Content-Length": body?.length ?? 0 }).write(body?.subarray(0, 1000));
    setTimeout(() => cancel.abort(), 20);
    return true;
  };
  await assert.rejects(
    lab.assemble(mirror.url, { key, signal: cancel.signal, http: { stallTimeoutMs: 30_000 } }),
    (error) => isLighterError(error, "CANCELLED"),
  );
  assert.deepEqual(lab.leftovers(), []);
  mirror.answer = () => false;
  assert.ok(await lab.assemble(mirror.url, { key }));
});
