import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createHost, type Host } from "#host";
import { writeLayer } from "#image";
import { extractArchive } from "#snapshot";
import { treeLines } from "../support/tree.ts";

let base = "";
let host: Host;
let source = "";

before(() => {
  base = mkdtempSync(join(tmpdir(), "lighter-gnutar-"));
  host = createHost();
  source = join(base, "source");
  mkdirSync(source);
  makeTree();
});
after(() => rmSync(base, { recursive: true, force: true }));

function sh(command: string, cwd = base): string {
  return execFileSync("sh", ["-ec", command], { encoding: "utf8", cwd });
}

/** Something of everything that a tar can hold. */
function makeTree(): void {
  sh(
    `
    mkdir -p plain 'with space' ${"long-directory-name/".repeat(9)}
    echo hello > plain/file; ln plain/file plain/hard; ln -s ../plain/file plain/soft; chmod 4711 plain/file
    : > plain/empty; : > ${"long-directory-name/".repeat(9)}${"n".repeat(120)}
    ln -s ${"t".repeat(180)} plain/long-link; ln ${"long-directory-name/".repeat(9)}${"n".repeat(120)} plain/hard-to-long
    printf 'x' > 'with space/Grüße-日本'; printf 'y' > "$(printf 'with space/bad-\\377-byte')"
    mkfifo plain/pipe; mknod plain/null c 1 3; mknod plain/disk b 259 70000
    echo big-owner > plain/owner; chown 3000000:4000000 plain/owner
    echo old > plain/old; touch -d '1960-02-03 04:05:06' plain/old; touch -h -d '2001-02-03 04:05:06' plain/soft
    truncate -s 20M plain/sparse; for at in 0 1500000 9000000; do echo data | dd of=plain/sparse bs=1 seek=$at conv=notrunc status=none; done
    truncate -s 3M plain/hole-only; echo tail >> plain/hole-only
    chmod 1777 'with space'; touch -d '2020-01-01' plain .
    `,
    source,
  );
  host.files.setXattr(join(source, "plain/file"), "user.bytes", Buffer.from([0, 255, 10, 61, 128]));
  host.files.setXattr(
    join(source, "plain/owner"),
    "security.capability",
    Buffer.from("0100000200200000000000000000000000000000", "hex"),
  );
}

const dump = (root: string): readonly string[] => treeLines(root, { files: host.files, times: true });

for (const [format, flags] of [
  ["gnu", "--format=gnu"],
  ["gnu sparse", "--format=gnu -S"],
  ["pax", "--format=posix --xattrs --xattrs-include='*'"],
  ["pax sparse 0.0", "--format=posix -S --sparse-version=0.0 --xattrs --xattrs-include='*'"],
  ["pax sparse 0.1", "--format=posix -S --sparse-version=0.1 --xattrs --xattrs-include='*'"],
  ["pax sparse 1.0", "--format=posix -S --sparse-version=1.0 --xattrs --xattrs-include='*'"],
] as const) {
  test(`what GNU tar writes as ${format} is laid out as GNU tar lays it out`, async () => {
    const archive = join(base, `${format}.tar`);
    const [theirs, ours] = [join(base, `${format}-theirs`), join(base, `${format}-ours`)];
    sh(`tar ${flags} --numeric-owner -C ${source} -cf '${archive}' .`);
    for (const path of [theirs, ours]) mkdirSync(path);
    sh(`tar --xattrs --xattrs-include='*' --numeric-owner -C '${theirs}' -xpf '${archive}'`);
    const summary = await extractArchive(createReadStream(archive, { highWaterMark: 200_003 }), {
      host,
      root: ours,
    });
    assert.deepEqual(summary.warnings, []);
    assert.deepEqual(dump(ours), dump(theirs));
    assert.ok(dump(ours).length > 25);
    const blocks = Number(sh(`stat -c %b '${ours}/plain/sparse'`));
    assert.ok(blocks * 512 < 6_000_000, `holes stay holes: ${blocks} blocks`);
  });
}

test("what this engine writes, GNU tar and this engine lay out as it was", async () => {
  const archive = join(base, "layer.tar");
  const parts: Buffer[] = [];
  writeLayer(source, { files: host.files }, (bytes) => parts.push(Buffer.from(bytes)));
  writeFileSync(archive, Buffer.concat(parts));
  const [theirs, ours] = [join(base, "layer-theirs"), join(base, "layer-ours")];
  for (const path of [theirs, ours]) mkdirSync(path);
  sh(`tar --xattrs --xattrs-include='*' --numeric-owner -C ${theirs} -xpf ${archive}`);
  await extractArchive([Buffer.concat(parts)], { host, root: ours });
  assert.deepEqual(dump(ours), dump(source));
  assert.deepEqual(dump(theirs), dump(source));
});

test("the same tree gives the same layer, wherever and whenever it stands", () => {
  const copy = join(base, "copy");
  sh(`cp -a ${source} ${copy}`);
  const layerOf = (root: string): Buffer => {
    const parts: Buffer[] = [];
    writeLayer(root, { files: host.files }, (bytes) => parts.push(Buffer.from(bytes)));
    return Buffer.concat(parts);
  };
  assert.ok(layerOf(copy).equals(layerOf(source)));
});
