import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "#oci";
import { formatSpdx, packageUrl, readDistribution, readPackages, type SbomTree } from "./index.ts";

function tree(files: Readonly<Record<string, string>>): SbomTree {
  return {
    read: (path) => files[path],
    list: (path) =>
      Object.keys(files)
        .filter((name) => name.startsWith(`${path}/`))
        .map((name) => name.slice(path.length + 1))
        .sort(),
  };
}

const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u10
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Description: GNU C Library: Shared libraries
 The long text.

Package: gone
Status: deinstall ok config-files
Version: 1
`;

test("packages are read from dpkg, distroless and apk databases", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, readonly string[]])[] = [
    [{}, []],
    [{ "var/lib/dpkg/status": status }, ["deb libc6 2.36-9+deb12u10 amd64 glibc"]],
    [
      {
        "var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2025b-0+deb12u1\nArchitecture: all\n",
        "var/lib/dpkg/status.d/tzdata.md5sums": "Package: no\nVersion: 1\n",
      },
      ["deb tzdata 2025b-0+deb12u1 all "],
    ],
    [
      {
        "lib/apk/db/installed":
          "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\n\nP:ssl_client\nV:1-r1\no:busybox\n",
      },
      ["apk musl 1.2.5-r0 x86_64 ", "apk ssl_client 1-r1  busybox"],
    ],
    [{ "var/lib/dpkg/status": "\u0000\u0001 no database at all" }, []],
    [{ "var/lib/dpkg/status": "Package: a\nPackage: b\n" }, []],
  ];
  for (const [files, expected] of cases)
    assert.deepEqual(
      readPackages(tree(files)).map(
        (item) =>
          `${item.kind} ${item.name} ${item.version} ${item.architecture ?? ""} ${item.source?.name ?? ""}`,
      ),
      expected,
    );
});

test("package URLs", () => {
  const [libc] = readPackages(tree({ "var/lib/dpkg/status": status }));
  assert(libc !== undefined);
  const distribution = readDistribution(tree({ "etc/os-release": 'ID=debian\nVERSION_ID="12"\n' }));
  assert.deepEqual(distribution, { id: "debian", versionId: "12" });
  assert.equal(
    packageUrl(libc, distribution),
    "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12&upstream=glibc",
  );
  const backport = { ...libc, source: { name: "glibc", version: "2.36-9" } };
  assert.match(packageUrl(backport, distribution), /&upstream=glibc%402\.36-9$/);
});

test("SPDX documents have an id for everything and are the same each time", () => {
  const sbom = {
    name: "calculator",
    digest: digestOf("image"),
    packages: readPackages(tree({ "var/lib/dpkg/status": status.replaceAll("libc6", "libstdc++6") })),
    created: "1980-02-01T00:00:00Z",
    tool: "lighter-0",
  };
  const document = formatSpdx(sbom);
  assert.deepEqual(document, formatSpdx({ ...sbom }));
  assert.match(JSON.stringify(document), /"SPDXID":"SPDXRef-Package-deb-libstdc.plus..plus.6-amd64"/);
  assert.deepEqual(document["relationships"], [
    {
      spdxElementId: "SPDXRef-DOCUMENT",
      relationshipType: "DESCRIBES",
      relatedSpdxElement: "SPDXRef-Image",
    },
    {
      spdxElementId: "SPDXRef-Image",
      relationshipType: "CONTAINS",
      relatedSpdxElement: "SPDXRef-Package-deb-libstdc.plus..plus.6-amd64",
    },
  ]);
  for (const id of JSON.stringify(document).match(/SPDXRef-[^"]*/g) ?? [])
    assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
});
