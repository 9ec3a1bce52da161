import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePublish } from "./publish-flag.ts";

test("the long form of -p says what the short one says", () => {
  assert.deepEqual(parsePublish("mode=host,target=80,published=8080"), parsePublish("8080:80"));
  assert.deepEqual(parsePublish("target=53,protocol=udp"), parsePublish("53/udp"));
  assert.deepEqual(parsePublish("target=80-81,published=90-91"), parsePublish("90-91:80-81"));
  for (const text of ["published=80", "target=80,what=1", "target=", "target=80,8080"])
    assert.throws(() => parsePublish(text), { code: "PORT_INVALID" }, text);
});
