import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNetworkMode } from "./check-network-mode.ts";
import type { RunRequest } from "./run-request.ts";

const check = (request: Partial<RunRequest>): void => checkNetworkMode(request as RunRequest);
const links = { endpoint: { links: ["db"] } };

test("what only a network or a name of one's own can have is refused beside a shared one", () => {
  const conflicts: readonly (readonly [Partial<RunRequest>, RegExp])[] = [
    [{ uts: "host", hostname: "a" }, /hostname and the UTS mode/],
    [{ network: "container:x", hostname: "a" }, /hostname and the network mode/],
    [{ network: "container:x", expose: ["80"] }, /port exposing/],
    [{ network: "container:x", networking: links }, /--link with --network container:x/],
    [{ network: "host", networking: links }, /--link with --network host/],
  ];
  for (const [request, message] of conflicts)
    assert.throws(() => check(request), { code: "CONTAINER_INVALID", message });
  check({ network: "host", hostname: "a", expose: ["80"] });
  check({ uts: "host", hostname: "" });
  check({ network: "back", hostname: "a", expose: ["80"], networking: links });
});
