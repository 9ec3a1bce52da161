// A Java that has the modules of one program, cut with jlink; needs the development kit's 120 MB.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openClone, whyNoMachine } from "../support/cli.ts";
import { whyNoArchive } from "./real-archive.ts";

const skip = whyNoMachine() || (await whyNoArchive());

test("a Java of the modules that a jar needs: small, whole, listed, and it runs the program", {
  skip,
  timeout: 900_000,
}, () => {
  using clone = openClone();
  const write = (name: string, text: string) => writeFileSync(join(clone.folder, name), text);
  const run = (...args: readonly string[]) => {
    const { status, stdout, stderr } = clone.run(args);
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  // A jar without a class: jdeps finds that java.base is enough for it.
  mkdirSync(join(clone.folder, "empty"));
  const packed = spawnSync("python3", [
    "-c",
    "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1], 'w'); z.writestr('META-INF/MANIFEST.MF', 'Manifest-Version: 1.0\\r\\n\\r\\n')",
    join(clone.folder, "a.jar"),
  ]);
  assert.equal(packed.status, 0, String(packed.stderr));
  write(
    "java.yaml",
    "name: java-base\njlink: { package: openjdk-17-jdk-headless, modules: [java.base], jar: a.jar }\n",
  );
  const digest = run("recipe", "build", "-q", "java.yaml");
  assert.match(run("run", "--rm", "java-base", "--list-modules"), /^java\.base@17\.[\d.]+$/);
  assert.match(run("run", "--rm", "java-base", "-XshowSettings:properties", "--version"), /openjdk 17\./);
  const [{ Size }] = JSON.parse(run("image", "inspect", "java-base")) as [{ readonly Size: number }];
  // The tar of the layer: half a mebibyte of headers is in it.
  assert.ok(Size <= 37 << 20, `${Size / (1 << 20)} MiB`);
  const { packages } = JSON.parse(run("sbom", "java-base")) as {
    readonly packages: readonly { readonly name: string; readonly checksums?: readonly unknown[] }[];
  };
  const kit = packages.find(({ name }) => name === "openjdk-17-jdk-headless");
  assert.equal(kit?.checksums?.length, 1);
  // Made anew, it is the same to the last bit.
  run("rmi", "java-base");
  run("system", "prune", "--force");
  assert.equal(run("recipe", "build", "-q", "java.yaml"), digest);
});
