import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { isLighterError } from "#base";
import { createMounts } from "../../src/host/mounts.ts";
import { openSys } from "../../src/host/sys.ts";
import { temporaryDirectory, unprivileged } from "./machine.ts";

// What kernels before Linux 5.2 (fsopen), 5.12 (mount_setattr) and 6.7 (lowerdir+) answer.
const ENOSYS = -38;
const EINVAL = -22;
const sys = openSys();
const kernels = {
  "without fsopen": { ...sys, fsopen: () => ENOSYS, mountSetattr: () => ENOSYS },
  "without lowerdir+": { ...sys, fsconfig: () => EINVAL },
};
const folder = temporaryDirectory("old-kernel");
const options = { skip: unprivileged };
let count = 0;

function makeDirectory(name = String((count += 1))): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

before(() => {
  if (unprivileged === false) createMounts(sys).enterPrivateNamespace();
});

for (const [what, kernel] of Object.entries(kernels)) {
  const mounts = createMounts(kernel);
  for (const layers of [2, 150])
    test(`${what}, an overlay of ${layers} layers`, options, () => {
      const lower = Array.from({ length: layers }, (_, place) => {
        const path = makeDirectory(`${what} ${layers}/odd:name,${place}`);
        writeFileSync(join(path, `f${place}`), "");
        return path;
      });
      const target = makeDirectory();
      using _mount = mounts.overlay({ target, lower, upper: makeDirectory(), work: makeDirectory() });
      assert.equal(readdirSync(target).length, layers);
      writeFileSync(join(target, "new"), "");
    });
}

const oldest = createMounts(kernels["without fsopen"]);

test("too many layers for an old kernel are told", options, () => {
  const lower = Array.from({ length: 300 }, () => makeDirectory());
  assert.throws(
    () => oldest.overlay({ target: makeDirectory(), lower }),
    (error) => isLighterError(error, "KERNEL_UNSUPPORTED") && /300 layers/.test(error.message),
  );
});

test(
  "a read-only bind works; of a tree it is refused, because the mounts in it would stay writable",
  options,
  () => {
    const [source, target] = [makeDirectory(), makeDirectory()];
    using _mount = oldest.bind(source, target, { readOnly: true });
    assert.throws(() => writeFileSync(join(target, "x"), ""), /EROFS/);
    const other = makeDirectory();
    assert.throws(
      () => oldest.bind(source, other, { readOnly: true, recursive: true }),
      (error) => isLighterError(error, "KERNEL_UNSUPPORTED"),
    );
    writeFileSync(join(other, "not mounted"), "");
  },
);
