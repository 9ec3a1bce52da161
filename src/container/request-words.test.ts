import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { checkName, randomName } from "./container-name.ts";
import { parseExtraHost } from "./extra-host.ts";
import { specMount } from "./mount-point.ts";
import { parseMount, parseMounts, parseTmpfs, parseVolume } from "./mount-words.ts";

const facts = { hasOwnUsers: false, reachesBelow: true };

test("what is read-only is so to the ground, where the kernel can and nothing else was said", () => {
  const options = (text: string, reachesBelow = true) =>
    specMount(parseMount(`type=bind,source=/a,target=/b,readonly${text}`), {
      ...facts,
      reachesBelow,
    }).options?.join(" ");
  assert.equal(options(""), "rbind rprivate ro rro");
  assert.equal(options("", false), "rbind rprivate ro");
  assert.equal(options(",bind-recursive=writable"), "rbind rprivate ro");
  assert.equal(options(",bind-recursive=disabled"), "bind rprivate ro");
});

test("volumes as docker writes them", () => {
  const cases: [string, string, string, readonly string[]][] = [
    ["/a:/b", "/a", "/b", ["rbind", "rprivate"]],
    ["/a:/b:ro", "/a", "/b", ["rbind", "rprivate", "ro", "rro"]],
    ["/a:/b:rw,z", "/a", "/b", ["rbind", "rprivate"]],
    ["/a:/b/../c:ro,rslave", "/a", "/c", ["rbind", "rslave", "ro", "rro"]],
    ["./x:/b", resolve("x"), "/b", ["rbind", "rprivate"]],
  ];
  for (const [text, source, destination, options] of cases)
    assert.deepEqual(
      specMount(parseVolume(text), facts),
      { source, destination, type: "bind", options },
      text,
    );
});

test("what a tmpfs forbids can be lifted", () => {
  const cases: [string, string][] = [
    ["/t", "nosuid nodev noexec mode=1777"],
    ["/t:rw,exec", "nosuid nodev exec mode=1777"],
    ["/t:suid,dev,exec,mode=700", "suid dev exec mode=700"],
    ["/t:noexec,ro", "nosuid nodev noexec noexec mode=1777 ro"],
  ];
  for (const [text, options] of cases)
    assert.equal(specMount(parseTmpfs(text), facts).options?.join(" "), options, text);
});

test("volumes that cannot be", () => {
  const faults = ["", "a", "n@me:/b", "/a:b", "/a:/", "/a:/b:x", "/a:/b:ro:z", ":/b"];
  for (const text of [...faults, "/a:/b:", "/a:/b:rw,ro", "/a:/b:nocopy", "vol:/b:shared"])
    assert.throws(() => parseVolume(text), { code: "CONTAINER_INVALID" }, text);
  assert.equal(parseMounts({ volumes: ["/v", "/v"] }).length, 1);
  assert.throws(() => parseMounts({ volumes: ["/a:/x", "/b:/x/"] }), {
    message: /two volumes want that place/,
  });
});

test("volumes with and without a name", () => {
  assert.deepEqual(parseVolume("/data"), {
    type: "volume",
    source: "",
    destination: "/data",
    readOnly: false,
    propagation: "rprivate",
    copies: true,
    isAnonymous: true,
    asked: { flag: "volume", mode: "" },
  });
  assert.deepEqual(parseVolume("db:/data:ro,nocopy"), {
    type: "volume",
    source: "",
    name: "db",
    destination: "/data",
    readOnly: true,
    propagation: "rprivate",
    copies: false,
    asked: { flag: "volume", mode: "ro,nocopy" },
  });
});

test("mounts as docker writes them", () => {
  const asked = { flag: "mount" };
  const cases: [string, object][] = [
    [
      "type=bind,source=/a,target=/b,readonly",
      {
        type: "bind",
        source: "/a",
        mustExist: true,
        propagation: "rprivate",
        destination: "/b",
        readOnly: true,
        asked,
      },
    ],
    [
      "type=bind,source=/a,target=/b,bind-recursive=disabled",
      {
        type: "bind",
        source: "/a",
        mustExist: true,
        propagation: "rprivate",
        below: "absent",
        destination: "/b",
        readOnly: false,
        asked,
      },
    ],
    [
      "source=new,target=/b,volume-label=a=b,volume-label=c,volume-opt=type=none",
      {
        type: "volume",
        source: "",
        copies: true,
        propagation: "rprivate",
        name: "new",
        labels: { a: "b", c: "" },
        driverOptions: { type: "none" },
        destination: "/b",
        readOnly: false,
        asked,
      },
    ],
    [
      "source=db,target=/b",
      {
        type: "volume",
        source: "",
        copies: true,
        propagation: "rprivate",
        name: "db",
        destination: "/b",
        readOnly: false,
        asked,
      },
    ],
    [
      "type=TMPFS,dst=/t,tmpfs-size=1m,tmpfs-mode=700,ro=false",
      { type: "tmpfs", options: ["size=1m", "mode=700"], destination: "/t", readOnly: false, asked },
    ],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseMount(text), expected, text);
  const faults = [
    "type=bind,target=/b",
    "type=nfs,target=/b",
    "target=b",
    "type=tmpfs,target=/t,what=1",
    "type=bind,source=a,target=/b",
    "type=bind,source=/a,target=/b,bind-recursive=readonly",
    "type=bind,source=/a,target=/b,readonly=x",
    "type=bind,source=/a,target=/b, readonly",
  ];
  for (const text of faults) assert.throws(() => parseMount(text), { code: "CONTAINER_INVALID" }, text);
  assert.deepEqual(specMount(parseTmpfs("/run:size=64k,exec"), facts), {
    destination: "/run",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "nodev", "size=64k", "exec", "mode=1777"],
  });
  assert.throws(() => parseTmpfs("/run:x"), { code: "CONTAINER_INVALID" });
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
