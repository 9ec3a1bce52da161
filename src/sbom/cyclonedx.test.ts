import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "#oci";
import { formatCycloneDx, type Sbom } from "./index.ts";

const sbom: Sbom = {
  name: "api:latest",
  digest: digestOf("image"),
  distribution: { id: "debian", versionId: "12", prettyName: "Distroless" },
  packages: [
    {
      kind: "deb",
      name: "libc6",
      version: "2.36-9+deb12u10",
      architecture: "amd64",
      source: { name: "glibc", version: "2.36-9+deb12u10" },
      maintainer: "GNU Libc Maintainers <debian-glibc@lists.debian.org>",
      checksum: digestOf("deb"),
      downloadUrl: "http://deb.debian.org/debian/pool/main/g/glibc/libc6.deb",
      foundIn: "/var/lib/dpkg/status.d/libc6",
    },
  ],
  created: "2026-11-20T00:00:00Z",
  tool: "lighter-0",
};

test("CycloneDX: components by package URL, what the image depends on, the same each time", () => {
  const document = formatCycloneDx(sbom);
  assert.deepEqual(document, formatCycloneDx({ ...sbom }));
  assert.match(
    String(document["serialNumber"]),
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const purl = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12&upstream=glibc";
  assert.deepEqual(document["dependencies"], [{ ref: "image", dependsOn: [purl] }]);
  assert.deepEqual(document["components"], [
    {
      type: "operating-system",
      "bom-ref": "operating-system",
      name: "debian",
      version: "12",
      description: "Distroless",
    },
    {
      type: "library",
      "bom-ref": purl,
      supplier: { name: "GNU Libc Maintainers" },
      name: "libc6",
      version: "2.36-9+deb12u10",
      hashes: [{ alg: "SHA-256", content: digestOf("deb").slice(7) }],
      purl,
      externalReferences: [
        { type: "distribution", url: "http://deb.debian.org/debian/pool/main/g/glibc/libc6.deb" },
      ],
      properties: [
        { name: "lighter:foundIn", value: "/var/lib/dpkg/status.d/libc6" },
        { name: "lighter:source", value: "glibc 2.36-9+deb12u10" },
      ],
    },
  ]);
});
