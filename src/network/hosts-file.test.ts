import assert from "node:assert/strict";
import { test } from "node:test";
import { ownNames, renderHosts } from "./hosts-file.ts";

const loopback =
  "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

test("a container's /etc/hosts, in docker's order", () => {
  const db = { name: "db", address: "10.0.0.5" };
  const up = { name: "up", address: "host-gateway" };
  const own = { name: "box", address: "172.17.0.2" };
  const cases: [Parameters<typeof renderHosts>[0], string][] = [
    [{ extraHosts: [] }, ""],
    [{ extraHosts: [], own: [own] }, "172.17.0.2\tbox\n"],
    [
      { extraHosts: [db, up], gateway: "172.17.0.1", own: [own] },
      "10.0.0.5\tdb\n172.17.0.1\tup\n172.17.0.2\tbox\n",
    ],
    [{ extraHosts: [db, up] }, "10.0.0.5\tdb\n"],
  ];
  for (const [options, expected] of cases) assert.equal(renderHosts(options), loopback + expected);
});

test("a container's own names: the whole one, then the one before the first dot", () => {
  assert.equal(ownNames({ hostname: "web" }), "web");
  assert.equal(ownNames({ hostname: "web.a.b" }), "web.a.b web");
  assert.equal(ownNames({ hostname: "web", domainname: "a.b" }), "web.a.b web");
  assert.equal(ownNames({ hostname: ".a" }), ".a");
});
