// Archives that are small and unpack to more than any disk has are refused before they are unpacked.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const program = `
import tarfile, io, gzip
data = b"1\\n0\\n1\\n".ljust(512, b"\\0") + b"x"
t = tarfile.open("sparse.tar", "w", format=tarfile.PAX_FORMAT)
i = tarfile.TarInfo("GNUSparseFile.0/huge")
i.size = len(data)
i.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "huge", "GNU.sparse.realsize": str(1 << 52)}
t.addfile(i, io.BytesIO(data))
t.close()
i = tarfile.TarInfo("zeros")
i.size = 1 << 52
open("gzip.tar", "wb").write(gzip.compress(i.tobuf(tarfile.GNU_FORMAT) + bytes(64 << 20)))
`;

test("archives larger than the disk: a sparse file, a gzip of zeros", { skip: whyNoMachine() }, () => {
  using clone = openClone();
  assert.equal(spawnSync("python3", ["-c", program], { cwd: clone.folder }).status, 0);
  for (const name of ["sparse", "gzip"]) {
    writeFileSync(join(clone.folder, "Dockerfile"), `FROM scratch\nADD ${name}.tar /d/\n`);
    const build = clone.run(["build", "."]);
    assert.equal(build.status, 1, build.stderr);
    assert.match(build.stderr, /cannot unpack ".*": .* larger than the (?:space that the )?disk/, name);
    assert.deepEqual(readdirSync(join(clone.root, "snapshots/active")), []);
    assert.deepEqual(leftovers(clone.root), []);
  }
});
