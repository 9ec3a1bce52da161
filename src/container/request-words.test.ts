import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { checkName, randomName } from "./container-name.ts";
import { parseExtraHost } from "./extra-host.ts";
import { parseVolume, parseVolumes, volumeMount } from "./volume.ts";

test("volumes as docker writes them", () => {
  const cases: [string, string, string, readonly string[]][] = [
    ["/a:/b", "/a", "/b", ["rbind", "rprivate"]],
    ["/a:/b:ro", "/a", "/b", ["rbind", "rprivate", "ro"]],
    ["/a:/b:rw,z", "/a", "/b", ["rbind", "rprivate"]],
    ["/a:/b/../c:ro,rslave", "/a", "/c", ["rbind", "rslave", "ro"]],
    ["./x:/b", resolve("x"), "/b", ["rbind", "rprivate"]],
  ];
  for (const [text, source, destination, options] of cases)
    assert.deepEqual(volumeMount(parseVolume(text)), { source, destination, type: "bind", options }, text);
});

test("volumes that cannot be", () => {
  for (const text of ["", "/a", "name:/b", "/a:b", "/a:/", "/a:/b:x", "/a:/b:ro:z", ":/b"])
    assert.throws(() => parseVolume(text), { code: "CONTAINER_INVALID" }, text);
  assert.throws(() => parseVolumes(["/a:/x", "/b:/x/"]), { message: /two volumes want that place/ });
});

test("added hosts", () => {
  const cases: [string, string, string][] = [
    ["db:10.0.0.5", "db", "10.0.0.5"],
    ["db=10.0.0.5", "db", "10.0.0.5"],
    ["v6:::1", "v6", "::1"],
    ["v6:[fd00::1]", "v6", "fd00::1"],
    ["up:host-gateway", "up", "host-gateway"],
  ];
  for (const [text, name, address] of cases) assert.deepEqual(parseExtraHost(text), { name, address });
  for (const text of ["", "db", ":1.2.3.4", "db:", "db:name", "a b:1.2.3.4"])
    assert.throws(() => parseExtraHost(text), { code: "CONTAINER_INVALID" }, text);
});

test("names", () => {
  for (let tries = 0; tries < 50; tries += 1) checkName(randomName());
  for (const name of ["", "a", "-a", "a b", "../x", "a/b", "ä1"])
    assert.throws(() => checkName(name), { code: "CONTAINER_INVALID" }, name);
});
