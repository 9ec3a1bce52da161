import assert from "node:assert/strict";
import { test } from "node:test";
import { renderFirewall, renderPorts, renderUpdate } from "./firewall-rules.ts";
import type { Network } from "./network-record.ts";
import {
  type Endpoint,
  emptyState,
  type NetworkState,
  type RaisedNetwork,
  type Sandbox,
} from "./network-state.ts";

const record: Network = {
  id: "f".repeat(64),
  name: "bridge",
  driver: "bridge",
  created: "",
  subnets: [{ subnet: "172.17.0.0/16", gateway: "172.17.0.1" }],
  isSubnetChosen: false,
  internal: false,
  attachable: false,
  labels: {},
  options: {},
};
const bridge: RaisedNetwork = { ...record, link: "lighter0", ownsLink: true, mtu: 1500 };
const web: Sandbox = {
  id: "1",
  containerId: "c",
  hostname: "web",
  namespace: { path: "", inode: 1 },
  ports: [
    { hostPort: 8080, containerPort: 80, protocol: "tcp" },
    { hostAddress: "0.0.0.0", hostPort: 53, containerPort: 5353, protocol: "udp" },
    { hostAddress: "127.0.0.1", hostPort: 8081, containerPort: 81, protocol: "tcp" },
    { hostAddress: "::", hostPort: 8080, containerPort: 80, protocol: "tcp" },
  ],
};
const endpoint: Endpoint = {
  id: "e",
  sandbox: "1",
  network: "bridge",
  link: "lv1",
  inner: "eth0",
  address: "172.17.0.2",
  mac: "02:00:00:00:00:01",
  aliases: [],
  links: [],
};
const state: NetworkState = {
  ...emptyState("boot"),
  networks: [bridge],
  sandboxes: [web],
  endpoints: [endpoint],
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
  const expected = [
    "published { tcp . 8080 : 172.17.0.2 . 80 }",
    "published { udp . 53 : 172.17.0.2 . 5353 }",
    "published_at { 127.0.0.1 . tcp . 8081 : 172.17.0.2 . 81 }",
  ];
  for (const verb of ["add", "delete"] as const)
    assert.equal(
      renderPorts("t", verb, { state, sandbox: web }),
      expected.map((element) => `${verb} element inet t ${element}\n`).join(""),
    );
});

test("an IPv6 port leads to the container's IPv6 address", () => {
  const both: NetworkState = {
    ...state,
    networks: [{ ...bridge, subnets: [...bridge.subnets, { subnet: "fd00::/64", gateway: "fd00::1" }] }],
    endpoints: [{ ...endpoint, address6: "fd00::2" }],
  };
  assert.match(
    renderPorts("t", "add", { state: both, sandbox: web }),
    /published6 \{ tcp \. 8080 : fd00::2 \. 80 \}/,
  );
});

test("ports lead to the network that leads out, not to an internal one", () => {
  const internal = { ...bridge, name: "back", link: "br-1", internal: true };
  const both: NetworkState = {
    ...state,
    networks: [internal, bridge],
    endpoints: [{ ...endpoint, id: "b", network: "back", address: "10.0.0.2" }, endpoint],
  };
  assert.match(renderPorts("t", "add", { state: both, sandbox: web }), /^add .* 172\.17\.0\.2 \. 80 \}/);
  const alone: NetworkState = { ...both, endpoints: both.endpoints.slice(0, 1) };
  assert.equal(renderPorts("t", "add", { state: alone, sandbox: web }), "");
});

test("networks, neighbours and internal ones are members of sets", () => {
  const quiet = {
    ...bridge,
    name: "quiet",
    link: "br-q",
    options: { "com.docker.network.bridge.enable_icc": "false" },
  };
  const back = { ...bridge, name: "back", link: "br-b", internal: true };
  const script = renderUpdate("t", { ...state, networks: [bridge, quiet, back] });
  assert.match(script, /add element inet t bridges \{ "lighter0", "br-q", "br-b" \}/);
  assert.match(script, /add element inet t neighbours \{ "lighter0" \. "lighter0", "br-b" \. "br-b" \}/);
  assert.match(script, /add element inet t internal \{ "br-b" \}/);
  assert.doesNotMatch(script, /resolved|refused/);
});

test("an egress policy of a network limits its containers", () => {
  const egress = ["api.example.com:443", "10.1.0.0/16", "192.0.2.7:22"];
  const script = renderUpdate("t", { ...state, networks: [{ ...bridge, egress }] });
  assert.match(script, /add element inet t limited \{ 172\.17\.0\.2 \}/);
  assert.match(script, /172\.17\.0\.2 \. 10\.1\.0\.0\/16 \. tcp \. 0-65535/);
  assert.match(script, /172\.17\.0\.2 \. 192\.0\.2\.7\/32 \. udp \. 22/);
});

test("an owner's text cannot break out of its comment", () => {
  const script = renderFirewall("t", state, 'x"\n} flush ruleset\\');
  assert.match(script, /comment "[^"]*x\?\?\} flush ruleset\?"\n/);
});
