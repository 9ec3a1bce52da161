// The bill of materials of assembled images, against the rules of both forms and against the packages that are there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { whyNoArchive } from "./real-archive.ts";
import { cycloneDxValidator, spdxValidator } from "./sbom-schemas.ts";

const skip = whyNoMachine() || (await whyNoArchive());
const images = ["distroless/static:slim", "distroless/cc-debian13:slim", "busybox", "debian:trixie-slim"];
let clone: Clone;

interface SpdxDocument {
  readonly packages: readonly {
    readonly SPDXID: string;
    readonly name: string;
    readonly downloadLocation: string;
    readonly checksums?: readonly unknown[];
  }[];
  readonly relationships: readonly { readonly spdxElementId: string; readonly relatedSpdxElement: string }[];
}

interface CycloneDxDocument {
  readonly components: readonly {
    readonly type: string;
    readonly name: string;
    readonly hashes?: readonly unknown[];
  }[];
}

before(() => {
  if (skip !== false) return;
  clone = openClone();
  for (const image of images) {
    const built = clone.run(["recipe", "build", "-q", image]);
    assert.equal(built.status, 0, built.stderr);
  }
});

after(() => clone?.[Symbol.dispose]());

function sbom(image: string, format: string): unknown {
  const { status, stdout, stderr } = clone.run(["sbom", "--format", format, image]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test("CycloneDX documents are valid by CycloneDX's own schema", { skip }, () => {
  const isValid = cycloneDxValidator();
  for (const image of images)
    assert.ok(isValid(sbom(image, "cyclonedx")), `${image}: ${JSON.stringify(isValid.errors)}`);
  assert.equal(isValid({ bomFormat: "CycloneDX", specVersion: "1.6", components: [{ name: "a" }] }), false);
});

test("SPDX documents keep the rules of SPDX 2.3, and every relationship leads somewhere", { skip }, () => {
  const isValid = spdxValidator();
  for (const image of images) {
    const document = sbom(image, "spdx") as SpdxDocument;
    assert.ok(isValid(document), `${image}: ${JSON.stringify(isValid.errors)}`);
    const ids = document.packages.map(({ SPDXID }) => SPDXID);
    assert.equal(new Set(ids).size, ids.length);
    const known = new Set([...ids, "SPDXRef-DOCUMENT"]);
    for (const { spdxElementId, relatedSpdxElement } of document.relationships)
      assert.ok(known.has(spdxElementId) && known.has(relatedSpdxElement), relatedSpdxElement);
  }
  assert.equal(isValid({ spdxVersion: "SPDX-2.2" }), false);
});

test("both name exactly the packages of the lock, each with digest and address of its file", { skip }, () => {
  for (const image of images) {
    const lock = clone.run(["recipe", "lock", "-o", `${image.replaceAll("/", "_")}.lock.json`, image]);
    assert.equal(lock.status, 0, lock.stderr);
    const count = Number(/: (\d+) packages/.exec(lock.stdout)?.[1]);
    const [, ...packages] = (sbom(image, "spdx") as SpdxDocument).packages;
    assert.equal(packages.length, count, image);
    for (const { name, checksums, downloadLocation } of packages) {
      assert.equal(checksums?.length, 1, name);
      assert.match(downloadLocation, /^http.*\.deb$/);
    }
    const libraries = (sbom(image, "cyclonedx") as CycloneDxDocument).components.filter(
      ({ type }) => type === "library",
    );
    assert.deepEqual(libraries.map(({ name }) => name).sort(), packages.map(({ name }) => name).sort());
    assert.ok(libraries.every(({ hashes }) => hashes?.length === 1));
  }
});
