import assert from "node:assert/strict";
import { test } from "node:test";
import { LighterError } from "#base";
import type { NetworkView } from "#network";
import { runCommandLine } from "./command-line.ts";
import { networkFilter } from "./network-filter.ts";
import { networkingOptions } from "./networking-flags.ts";
import { fakeEngine, fakeIo } from "./testing.ts";

const bare: NetworkView = {
  id: "a".repeat(64),
  name: "bridge",
  driver: "bridge",
  created: "2026-11-20T10:00:00Z",
  subnets: [],
  isSubnetChosen: false,
  internal: false,
  attachable: false,
  labels: {},
  options: {},
  members: [],
};
const net: NetworkView = {
  ...bare,
  id: "b".repeat(64),
  name: "net",
  subnets: [{ subnet: "10.1.0.0/24", gateway: "10.1.0.1" }],
  labels: { team: "blue", keep: "" },
  members: [
    {
      containerId: "c1",
      name: "web",
      facts: {
        network: "net",
        networkId: "b",
        driver: "bridge",
        endpointId: "e1",
        link: "eth0",
        address: "10.1.0.2",
        prefix: 24,
        mac: "02:00:00:00:00:01",
        aliases: [],
        dnsNames: [],
      },
    },
  ],
};

const run = (line: string, networks: Parameters<typeof fakeEngine>[0]) => runWords(line.split(" "), networks);

async function runWords(words: readonly string[], networks: Parameters<typeof fakeEngine>[0]) {
  const io = fakeIo();
  const status = await runCommandLine(words, {
    io,
    signal: new AbortController().signal,
    onSignals: () => {},
    openEngine: () => Promise.resolve(fakeEngine(networks)),
  });
  return { status, ...io.written };
}

const listing = { networks: { list: () => Promise.resolve([net, bare]) } };

test("network ls has docker's columns and JSON", async () => {
  assert.equal(
    (await run("network ls", listing)).stdout,
    `NETWORK ID     NAME      DRIVER    SCOPE
aaaaaaaaaaaa   bridge    bridge    local
bbbbbbbbbbbb   net       bridge    local
`,
  );
  assert.equal((await run("network ls -q --no-trunc -f name=ne", listing)).stdout, `${"b".repeat(64)}\n`);
  const [line = ""] = (await run("network ls --format json -f driver=bridge", listing)).stdout
    .split("\n")
    .slice(1);
  assert.deepEqual(JSON.parse(line), {
    CreatedAt: "2026-11-20 10:00:00 +0000 UTC",
    Driver: "bridge",
    ID: "bbbbbbbbbbbb",
    IPv4: "true",
    IPv6: "false",
    Internal: "false",
    Labels: "keep=,team=blue",
    Name: "net",
    Scope: "local",
  });
});

test("network ls and inspect take docker's templates", async () => {
  const cases: [string, string][] = [
    ["network ls -f name=net --format {{.Name}}:{{.Driver}}", "net:bridge\n"],
    ["network ls -q -f name=net --format {{.Name}}", "net\n"],
    [
      'network ls --format table\u00a0{{.Name}}\\t{{.Label\u00a0"team"}}',
      "NAME      team\nbridge    \nnet       blue\n",
    ],
  ];
  for (const [line, expected] of cases) {
    const words = line.split(" ").map((word) => word.replaceAll("\u00a0", " "));
    assert.equal((await runWords(words, listing)).stdout, expected, line);
  }
  const { stdout } = await runWords(
    ["network", "inspect", "-f", "{{.Name}} {{range .IPAM.Config}}{{.Subnet}}{{end}}", "net"],
    { networks: { get: () => Promise.resolve(net) } },
  );
  assert.equal(stdout, "net 10.1.0.0/24\n");
});

test("network inspect has docker's fields, and goes on after one that is missing", async () => {
  const get = (text: string) =>
    text === "net"
      ? Promise.resolve(net)
      : Promise.reject(
          new LighterError("NETWORK_NOT_FOUND", `cannot find network "${text}": network ${text} not found`),
        );
  const { status, stdout, stderr } = await run("network inspect nope net", { networks: { get } });
  assert.equal(status, 1);
  assert.equal(stderr, 'lighter: cannot find network "nope": network nope not found\n');
  const [shown] = JSON.parse(stdout);
  assert.deepEqual(shown.IPAM.Config, [{ Subnet: "10.1.0.0/24", Gateway: "10.1.0.1" }]);
  assert.deepEqual(shown.Containers.c1, {
    Name: "web",
    EndpointID: "e1",
    MacAddress: "02:00:00:00:00:01",
    IPv4Address: "10.1.0.2/24",
    IPv6Address: "",
  });
});

test("filters: of one name any, of labels all", () => {
  const accepted = (words: string[]): string[] =>
    [bare, net].filter(networkFilter(words)).map(({ name }) => name);
  const cases: [string[], string[]][] = [
    [[], ["bridge", "net"]],
    [
      ["name=br", "name=ne"],
      ["bridge", "net"],
    ],
    [["type=custom"], ["net"]],
    [["type=builtin"], ["bridge"]],
    [["dangling=true"], []],
    [["label=team=blue", "label=keep"], ["net"]],
    [["label=team=red"], []],
    [["id=bbb", "driver=bridge"], ["net"]],
    [["scope=swarm"], []],
    [["id=bb"], ["net"]],
    [["name=^b"], ["bridge"]],
    [["dangling=0"], ["bridge", "net"]],
  ];
  for (const [words, expected] of cases) assert.deepEqual(accepted(words), expected, words.join(" "));
  assert.throws(() => networkFilter(["name"]), { code: "USAGE" });
  for (const wrong of ["colour=red", "type=odd", "dangling=x"])
    assert.throws(() => [net].filter(networkFilter([wrong])), { code: "ARGUMENT_INVALID" }, wrong);
});

test("flags of run that speak of networks", () => {
  const none = {
    dns: [],
    "dns-option": [],
    "dns-search": [],
    egress: [],
    ip: undefined,
    ip6: undefined,
    link: [],
    "link-local-ip": [],
    "mac-address": undefined,
    "network-alias": [],
    network: [],
  };
  assert.deepEqual(networkingOptions(none), {});
  assert.deepEqual(
    networkingOptions({
      ...none,
      network: [
        "a",
        "name=b,ip=10.0.0.5,alias=x,alias=y,gw-priority=-3,link-local-ip=169.254.0.9",
        'name=c,driver-opt=a.b=1,"driver-opt=c=x=1,""y"""',
      ],
      "network-alias": ["w"],
      ip: "10.1.0.9",
      dns: ["9.9.9.9"],
      egress: ["allow=x.org:443,10.0.0.0/8"],
    }),
    {
      network: "a",
      networking: {
        endpoint: { address: "10.1.0.9", aliases: ["w"] },
        otherNetworks: [
          {
            network: "b",
            address: "10.0.0.5",
            aliases: ["x", "y"],
            linkLocalAddresses: ["169.254.0.9"],
            gatewayPriority: -3,
          },
          { network: "c", driverOptions: { "a.b": "1", c: 'x=1,"y"' } },
        ],
        dns: { servers: ["9.9.9.9"] },
        egress: ["x.org:443", "10.0.0.0/8"],
      },
    },
  );
  for (const wrong of ["name=a,colour=red", "name=a,gw-priority=x", "name=a,driver-opt=x", "ip=10.0.0.1"])
    assert.throws(() => networkingOptions({ ...none, network: [wrong] }), { code: "USAGE" }, wrong);
});
