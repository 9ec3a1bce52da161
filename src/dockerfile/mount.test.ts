import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseMount } from "./index.ts";

const NONE = { from: "", source: "", target: "", id: "", sizeBytes: 0, required: false };

describe("parseMount", () => {
  const cases: [string, object][] = [
    ["target=/x", { ...NONE, type: "bind", target: "/x", readOnly: true }],
    [
      "type=bind,from=b,src=/a,dst=/x,rw",
      { ...NONE, type: "bind", from: "b", source: "/a", target: "/x", readOnly: false },
    ],
    [
      "type=cache,id=c,target=/x,sharing=LOCKED,mode=0755,uid=1,gid=2",
      {
        ...NONE,
        type: "cache",
        id: "c",
        target: "/x",
        sharing: "locked",
        mode: 0o755,
        uid: 1,
        gid: 2,
        readOnly: false,
      },
    ],
    ["type=cache,target=/x,ro=true", { ...NONE, type: "cache", target: "/x", readOnly: true }],
    [
      "type=tmpfs,size=1.5m,target=/x",
      { ...NONE, type: "tmpfs", sizeBytes: 1_572_864, target: "/x", readOnly: false },
    ],
    [
      "type=secret,id=s,env=TOKEN,required",
      { ...NONE, type: "secret", id: "s", env: "TOKEN", required: true, readOnly: true },
    ],
    ["type=ssh", { ...NONE, type: "ssh", readOnly: true }],
    [
      'type=bind,"source=a,b",target=/x',
      { ...NONE, type: "bind", source: "a,b", target: "/x", readOnly: true },
    ],
  ];
  for (const [text, wanted] of cases) test(text, () => assert.deepEqual(parseMount(text), wanted));

  test("values are expanded", () => {
    const mount = parseMount("type=$T,target=$D", (value) => ({ $T: "cache", $D: "/d" })[value] ?? value);
    assert.deepEqual([mount.type, mount.target], ["cache", "/d"]);
  });

  const refused: [string, string][] = [
    ["typ=bind", "unexpected key 'typ' in 'typ=bind' (did you mean type?)"],
    ["type=tmp", 'unsupported mount type "tmp" (did you mean tmpfs?)'],
    ["z", "invalid field 'z' must be a key=value pair"],
    ["required", "unexpected key 'required' for mount type 'bind'"],
    ["size=1", "unexpected key 'size' for mount type 'bind'"],
    ["type=tmpfs,size=x", "invalid value for size: x"],
    ["type=cache,mode=9", "invalid value 9 for mode"],
    ["type=cache,uid=4294967296", "invalid value 4294967296 for uid"],
    ["uid=1", 'uid not allowed for "bind" type mounts'],
    ["ro=maybe", "invalid value for ro: maybe"],
    ["type=cache,sharing=lock", 'unsupported sharing value "lock" (did you mean locked?)'],
    ["sharing=shared", "invalid cache sharing set for bind mount"],
    ["type=secret", "invalid secret mount. one of source, target required"],
    ["type=secret,id=a,src=b", "both source and id can't be set"],
    ["type=secret,id=a,from=b", "secret mount should not have a from"],
    ['a"b', 'failed to parse csv mounts: parse error on line 1, column 2: bare " in non-quoted-field'],
  ];
  for (const [text, message] of refused)
    test(text, () => assert.throws(() => parseMount(text), { code: "DOCKERFILE_INVALID", message }));
});
