import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRelease } from "./release.ts";

const sha256 = "a".repeat(64);
const text = `Origin: Debian
Suite: oldstable
Version: 12.15
Codename: bookworm
Date: Sat, 11 Jul 2026 10:16:37 UTC
Valid-Until: Sat, 18 Jul 2026 10:16:37 UTC
Acquire-By-Hash: yes
Architectures: all amd64
Components: main contrib
MD5Sum:
 0ed6d4c8891eb86358b94bb35d9e4da4  1484322 contrib/Contents-all
SHA256:
 ${sha256}  1484322 contrib/Contents-all
 ${sha256}       20 main/binary-amd64/Packages.xz
`;

test("a Release file", () => {
  const release = parseRelease(text);
  assert.equal(release.codename, "bookworm");
  assert.equal(release.suite, "oldstable");
  assert.equal(release.version, "12.15");
  assert.equal(release.hasByHash, true);
  assert.equal(new Date(release.dateMs).toISOString(), "2026-07-11T10:16:37.000Z");
  assert.equal(new Date(release.validUntilMs ?? 0).toISOString(), "2026-07-18T10:16:37.000Z");
  assert.deepEqual(release.architectures, ["all", "amd64"]);
  assert.deepEqual(release.components, ["main", "contrib"]);
  assert.equal(release.files.size, 2);
  assert.deepEqual(release.files.get("main/binary-amd64/Packages.xz"), {
    path: "main/binary-amd64/Packages.xz",
    sizeBytes: 20,
    sha256,
  });
});

test("a file that never expires", () => {
  assert.equal(parseRelease(text.replace(/Valid-Until.*\n/, "")).validUntilMs, undefined);
});

test("what a Release file must not lack", () => {
  const rows = [
    [text.replace(/SHA256:[^]*/, ""), /it has no SHA256 section/],
    [text.replace(/^Date.*$/m, "Date: yesterday"), /its field Date is "yesterday"/],
    [text.replace(/^Date.*\n/m, ""), /its field Date is ""/],
    [text.replace(`${sha256}       20`, "abc 20"), /is no digest, size and path/],
  ] as const;
  for (const [damaged, message] of rows)
    assert.throws(() => parseRelease(damaged), { code: "INDEX_INVALID", message });
});
