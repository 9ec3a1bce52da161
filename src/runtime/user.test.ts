import assert from "node:assert/strict";
import { test } from "node:test";
import { isLighterError } from "#base";
import { findUser } from "./user.ts";

const accounts = {
  passwd: `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
# a comment
app:x:1000:1001::/srv/app:/bin/sh
nohome:x:1002:1002:::
1000:x:7:8::/odd:/bin/sh
broken
`,
  group: `root:x:0:
daemon:x:1:root
app:x:1001:
docker:x:999:app,root
audio:x:29:app
2000:x:50:
`,
};

const found = [
  // text, uid, gid, additional gids, home
  ["root", 0, 0, [0, 1, 999], "/root"],
  ["0", 0, 0, [0, 1, 999], "/root"],
  ["app", 1000, 1001, [1001, 999, 29], "/srv/app"],
  ["1000", 1000, 1001, [1001, 999, 29], "/srv/app"],
  ["app:audio", 1000, 29, [29], "/srv/app"],
  ["app:4242", 1000, 4242, [4242], "/srv/app"],
  ["app:2000", 1000, 50, [50], "/srv/app"],
  ["4242", 4242, 0, [0], "/"],
  ["4242:4343", 4242, 4343, [4343], "/"],
  ["nohome", 1002, 1002, [1002], "/"],
  [":29", 0, 29, [29], "/root"],
  ["app:", 1000, 1001, [1001, 999, 29], "/srv/app"],
] as const;

for (const [text, uid, gid, additionalGids, home] of found)
  test(`user "${text}" is ${uid}:${gid}`, () => {
    assert.deepEqual(findUser(text, accounts), { uid, gid, additionalGids: [...additionalGids], home });
  });

const unknown = [
  [
    "nobody",
    `unable to find user nobody: no matching entries in passwd file; use a number, or add the user to the image`,
  ],
  [
    "app:staff",
    `unable to find group staff: no matching entries in group file; use a number, or add the group to the image`,
  ],
  [
    "2147483648",
    `unable to find user 2147483648: no matching entries in passwd file; use a number, or add the user to the image`,
  ],
  [
    "-1",
    `unable to find user -1: no matching entries in passwd file; use a number, or add the user to the image`,
  ],
] as const;

for (const [text, message] of unknown)
  test(`user "${text}" is not found`, () => {
    assert.throws(
      () => findUser(text, accounts),
      (error) => isLighterError(error, "USER_NOT_FOUND") && error.message === message,
    );
  });

test("an image without account files knows numbers only", () => {
  const empty = { passwd: "", group: "" };
  assert.deepEqual(findUser("0", empty), { uid: 0, gid: 0, additionalGids: [0], home: "/" });
  assert.throws(() => findUser("root", empty), /no matching entries/);
});
