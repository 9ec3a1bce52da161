import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseParagraph } from "#debian";
import { createHost } from "#host";
import type { Assembly, InstalledPackage } from "../assemble/assembly.ts";
import { TreeWriter } from "../assemble/tree-writer.ts";
import { placeJava } from "./place-java.ts";

const { files } = createHost();
const kit = {
  candidate: { name: "openjdk-17-jdk-headless" },
  control: parseParagraph("Package: openjdk-17-jdk-headless\n"),
  controlFiles: new Map(),
  paths: [],
} as unknown as InstalledPackage;

test("what jlink left is placed, and nothing is read through a link of the tree in which it ran", () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-java-"));
  try {
    const secret = join(folder, "secret");
    mkdirSync(join(secret, "java/lib"), { recursive: true });
    writeFileSync(join(secret, "java/lib/key"), "of the host");
    const ran = join(folder, "ran");
    mkdirSync(join(ran, "work/java/lib"), { recursive: true });
    mkdirSync(join(ran, "work/java/legal"));
    writeFileSync(join(ran, "work/java/lib/modules"), "modules");
    writeFileSync(join(ran, "work/java/legal/text"), "left out");
    symlinkSync(join(secret, "java/lib/key"), join(ran, "work/java/lib/link"));
    symlinkSync(join(secret, "java/lib"), join(ran, "work/java/conf"));
    let made = 0;
    const run = () => {
      const root = join(folder, `tree${made++}`);
      mkdirSync(root);
      const assembly: Assembly = {
        tree: new TreeWriter(root),
        packages: new Map(),
        architecture: "amd64",
        epochSeconds: 1,
      };
      placeJava(assembly, { root: ran, path: "work/java", files, kit }, () => false);
      return join(root, "usr/lib/jvm/jre");
    };
    const jre = run();
    assert.equal(readFileSync(join(jre, "lib/modules"), "utf8"), "modules");
    assert.equal(existsSync(join(jre, "legal")), false);
    for (const link of ["conf", "lib/link"])
      assert.ok(lstatSync(join(jre, link)).isSymbolicLink(), "a link stays one");
    for (const swapped of ["work", "work/java"]) {
      renameSync(join(ran, swapped), join(folder, "aside"));
      symlinkSync(swapped === "work" ? secret : join(secret, "java"), join(ran, swapped));
      assert.throws(
        run,
        { code: "RECIPE_INVALID", message: "cannot cut a Java: jlink has left none" },
        swapped,
      );
      rmSync(join(ran, swapped));
      renameSync(join(folder, "aside"), join(ran, swapped));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
