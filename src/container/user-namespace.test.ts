import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredContainer } from "./container-record.ts";
import { chooseUsers, userCount } from "./user-namespace.ts";

const having = (...firsts: readonly (number | undefined)[]): readonly StoredContainer[] =>
  firsts.map((firstUser) => ({ namespaces: { firstUser } }) as unknown as StoredContainer);

test("a container gets user IDs that no other has", () => {
  const first = chooseUsers("", []);
  assert.ok(first >= 1_879_048_192 && first + userCount < 2 ** 31, "of the range that nobody is given");
  assert.equal(chooseUsers("", having(first, undefined)), first + userCount);
});

test("the ranges of /etc/subuid come before, until they are used up", () => {
  const text = "ann:100000:65536\ncontainers:300000:131072\nlighter:600000:65536\n";
  assert.equal(chooseUsers(text, []), 300_000);
  assert.equal(chooseUsers(text, having(300_000)), 365_536);
  assert.equal(chooseUsers(text, having(300_000, 365_536)), 600_000);
  assert.throws(() => chooseUsers(text, having(300_000, 365_536, 600_000)), { code: "CONTAINER_INVALID" });
  assert.throws(() => chooseUsers("lighter:1000:65535\n", []), { code: "CONTAINER_INVALID" });
});
