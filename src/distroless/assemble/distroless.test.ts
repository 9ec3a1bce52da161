import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { pathFilter } from "./apt-configuration.ts";
import { listApplets } from "./debug-shell.ts";
import { formatJavaKeystore } from "./java-keystore.ts";
import { packageNamesOf } from "./library-packages.ts";
import { rulesOf } from "./trim-packs.ts";

test("Debian's names for the packages of libraries", () => {
  const rows = [
    ["libssl.so.3", "libssl3"],
    ["libgcc_s.so.1", "libgcc-s1"],
    ["libstdc++.so.6", "libstdc++6"],
    ["libz.so.1", "zlib1g"],
    ["libpcre2-8.so.0", "libpcre2-8-0"],
    ["libX11.so.6", "libx11-6"],
  ] as const;
  for (const [soname, name] of rows) assert.equal(packageNamesOf(soname)[0], name, soname);
  assert.deepEqual(packageNamesOf("/lib/ld.so.1").length > 0, true);
  assert.deepEqual(packageNamesOf("nothing"), []);
});

test("the tools of a busybox are read out of it", () => {
  const table = ["[", "[[", "acpid", "sh", "wget"].join("\0");
  assert.deepEqual(listApplets(Buffer.from(`\x7fELF..\0${table}\0\0rest`)), [
    "[",
    "[[",
    "acpid",
    "sh",
    "wget",
  ]);
  assert.equal(listApplets(Buffer.from(`[\0[[\0else\0 ${table}\0`)).length, 5, "whatever stands before it");
  assert.deepEqual(listApplets(Buffer.from("no table")), []);
});

test("a Java keystore: entries sorted, guarded by its digest", () => {
  const bytes = formatJavaKeystore(
    [
      { alias: "b", bytes: Buffer.from("two") },
      { alias: "a", bytes: Buffer.from("one") },
    ],
    1,
  );
  assert.equal(bytes.toString("hex", 0, 12), "feedfeed0000000200000002");
  assert.ok(bytes.indexOf("one") < bytes.indexOf("two"));
  const digest = createHash("sha1")
    .update(Buffer.from("changeit", "utf16le").swap16())
    .update("Mighty Aphrodite")
    .update(bytes.subarray(0, -20))
    .digest();
  assert.ok(bytes.subarray(-20).equals(digest));
});

test("what the packs cut, and what they keep", () => {
  const isCut = pathFilter(rulesOf(["docs", "locales", "charsets", "zones", "settings", "tools", "tests"]));
  const rows: readonly (readonly [path: string, isCut: boolean])[] = [
    ["usr/share/doc/libc6/changelog.gz", true],
    ["usr/share/doc/libc6/copyright", false],
    ["usr/lib/locale/C.utf8/LC_CTYPE", false],
    ["usr/lib/locale/de_DE/LC_CTYPE", true],
    ["usr/lib/x86_64-linux-gnu/gconv/IBM037.so", true],
    ["usr/share/zoneinfo/right/UTC", true],
    ["usr/share/zoneinfo/Europe/Berlin", false],
    ["usr/bin/ldd", true],
    ["usr/bin/python3.11", false],
    ["usr/lib/python3.11/test/support/__init__.py", true],
    ["usr/lib/python3.11/unittest/case.py", false],
    ["etc/services", false],
    ["etc/profile.d", true],
  ];
  for (const [path, expected] of rows) assert.equal(isCut(path), expected, path);
});
