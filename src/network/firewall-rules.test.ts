import assert from "node:assert/strict";
import { test } from "node:test";
import { renderFirewall, renderPublishing } from "./firewall-rules.ts";
import { type Endpoint, emptyState, type NetworkState } from "./network-state.ts";

const web: Endpoint = {
  id: "1",
  network: "bridge",
  containerId: "c",
  link: "lv1",
  address: "172.17.0.2",
  mac: "02:00:00:00:00:01",
  ports: [
    { hostPort: 8080, containerPort: 80, protocol: "tcp" },
    { hostAddress: "0.0.0.0", hostPort: 53, containerPort: 5353, protocol: "udp" },
    { hostAddress: "127.0.0.1", hostPort: 8081, containerPort: 81, protocol: "tcp" },
  ],
};
const state: NetworkState = {
  ...emptyState("boot"),
  networks: [
    { name: "bridge", bridge: "lighter0", subnet: "172.17.0.0/16", gateway: "172.17.0.1", mtu: 1500 },
  ],
  endpoints: [web],
};

test("with no network the table goes", () => {
  assert.equal(renderFirewall("t", emptyState("boot"), "o"), "add table inet t\ndelete table inet t\n");
});

test("ports stand in the map for every address or the one for one address", () => {
  const script = renderFirewall("t", state, "o");
  assert.match(
    script,
    /map published \{[^}]*elements = \{ tcp \. 8080 : 172\.17\.0\.2 \. 80, udp \. 53 : 172\.17\.0\.2 \. 5353 \}/,
  );
  assert.match(
    script,
    /map published_at \{[^}]*elements = \{ 127\.0\.0\.1 \. tcp \. 8081 : 172\.17\.0\.2 \. 81 \}/,
  );
  assert.equal(
    renderPublishing("t", web),
    "add element inet t published { tcp . 8080 : 172.17.0.2 . 80 }\n" +
      "add element inet t published { udp . 53 : 172.17.0.2 . 5353 }\n" +
      "add element inet t published_at { 127.0.0.1 . tcp . 8081 : 172.17.0.2 . 81 }\n",
  );
  assert.doesNotMatch(renderFirewall("t", { ...state, endpoints: [] }, "o"), /elements/);
});

test("what is no answer, no neighbour and no published port does not come into a bridge", () => {
  const chain = /chain into_lighter0 \{\n([^}]*)\}/.exec(renderFirewall("t", state, "o"))?.[1] ?? "";
  assert.deepEqual(
    chain
      .trim()
      .split("\n")
      .map((rule) => rule.replace(/ comment .*/, "")),
    ["ct state established,related accept", 'iifname "lighter0" accept', "ct status dnat accept", "drop"],
  );
});

test("an owner's text cannot break out of its comment", () => {
  const script = renderFirewall("t", state, 'x"\n} flush ruleset\\');
  assert.match(script, /comment "x\?\?\} flush ruleset\?"\n/);
});
