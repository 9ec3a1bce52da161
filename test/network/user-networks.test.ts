import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { CreateNetworkRequest } from "#network";
import { Lab, missing, request } from "./lab.ts";

const skip = missing() ?? false;

test("networks that cannot be, with docker's status and one sentence", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await networks.create({ name: "taken", subnets: ["10.1.0.0/16"] });
  const before = JSON.stringify(networks.list());
  const parent = { driver: "macvlan", options: { parent: "uplink" } };
  const cases: [Partial<CreateNetworkRequest>, string, RegExp][] = [
    [{ name: "taken" }, "NETWORK_EXISTS", /network with name taken already exists/],
    [{ name: "bridge" }, "NETWORK_PREDEFINED", /operation is not permitted on predefined bridge network/],
    [{ name: "a/b" }, "NETWORK_INVALID", /a name has letters/],
    [{ name: "a " }, "NETWORK_INVALID", /a name has letters/],
    [{ name: "n", subnets: ["10.1.0.5/24"] }, "NETWORK_INVALID", /it should be 10\.1\.0\.0\/24/],
    [{ driver: "host" }, "NETWORK_PREDEFINED", /only one instance of "host" network is allowed/],
    [{ driver: "weave" }, "NETWORK_INVALID", /there is no driver "weave"/],
    [{ subnets: ["10.1.2.0/24"] }, "NETWORK_OVERLAP", /overlaps 10\.1\.0\.0\/16 of network "taken"/],
    [
      { subnets: ["192.0.0.0/16"] },
      "NETWORK_OVERLAP",
      /overlaps 192\.0\.2\.2\/24, which this host reaches by uplink/,
    ],
    [{ subnets: ["10.9.0.0"] }, "NETWORK_INVALID", /invalid subnet 10\.9\.0\.0/],
    [
      { subnets: ["10.9.0.0/24"], gateways: ["10.8.0.1"] },
      "NETWORK_INVALID",
      /no matching subnet for gateway 10\.8\.0\.1/,
    ],
    [{ subnets: ["10.9.0.0/24"], gateways: ["10.9.0.255"] }, "NETWORK_INVALID", /is no address of a host/],
    [
      { subnets: ["10.9.0.0/24"], ipRanges: ["10.8.0.0/25"] },
      "NETWORK_INVALID",
      /no matching subnet for range/,
    ],
    [
      { subnets: ["10.9.0.0/24"], auxAddresses: { x: "10.8.0.1" } },
      "NETWORK_INVALID",
      /no matching subnet for aux-address/,
    ],
    [{ subnets: ["10.9.0.0/24", "10.8.0.0/24"] }, "NETWORK_INVALID", /one subnet of each IP version/],
    [{ options: { "com.example.nobody": "1" } }, "NETWORK_INVALID", /has no option "com\.example\.nobody"/],
    [{ options: { "com.docker.network.driver.mtu": "12" } }, "NETWORK_INVALID", /cannot be "12"/],
    [{ driver: "macvlan" }, "NETWORK_INVALID", /no parent interface/],
    [{ driver: "macvlan", options: { parent: "eth7" } }, "NETWORK_INVALID", /"eth7" is not there/],
    [
      { ...parent, options: { ...parent.options, macvlan_mode: "odd" } },
      "NETWORK_INVALID",
      /cannot be "odd"/,
    ],
    [{ egress: ["a b"] }, "NETWORK_INVALID", /cannot allow "a b"/],
  ];
  for (const [wrong, code, words] of cases)
    await assert.rejects(
      networks.create({ name: "new", ...wrong }),
      { code, message: words },
      JSON.stringify(wrong),
    );
  assert.equal(JSON.stringify(networks.list()), before);
});

test("a network is listed, used, refused to go while used, and gone without a trace", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  const made = await networks.create({ name: "net", labels: { team: "blue" } });
  assert.match(made.id, /^[0-9a-f]{64}$/);
  assert.deepEqual(
    networks.list().map(({ name, driver }) => `${name} ${driver}`),
    ["bridge bridge", "host host", "none null", "net bridge"],
  );
  const links = lab.host.links.list().length;
  {
    await using one = await networks.attach(request("one", { network: made.id.slice(0, 8) }));
    const [member] = networks.get("net").members;
    assert.equal(member?.facts.address, one.address);
    assert.equal(
      lab.host.links.list().some(({ name }) => name === `br-${made.id.slice(0, 12)}`),
      true,
    );
    await assert.rejects(networks.remove("net"), {
      code: "NETWORK_IN_USE",
      message: /has active endpoints \(one\)/,
    });
    assert.deepEqual(await networks.prune(), []);
  }
  assert.equal(lab.host.links.list().length, links);
  await assert.rejects(networks.remove("bridge"), { code: "NETWORK_PREDEFINED" });
  await networks.remove("net");
  await assert.rejects(networks.remove("net"), {
    code: "NETWORK_NOT_FOUND",
    message: /network net not found/,
  });
  await networks.create({ name: "a" });
  await networks.create({ name: "b", labels: { keep: "" } });
  assert.deepEqual(
    (await networks.prune(({ labels }) => !("keep" in labels))).map(({ name }) => name),
    ["a"],
  );
});

test("two processes that make one network: one is told", { skip }, async () => {
  await using lab = new Lab();
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => lab.networks().create({ name: "one" })),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
});

test("addresses as they are asked for", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await networks.create({
    name: "net",
    subnets: ["10.9.0.0/29"],
    auxAddresses: { printer: "10.9.0.2" },
    gateways: ["10.9.0.6"],
  });
  await networks.create({ name: "free" });
  await using one = await networks.attach(
    request("one", { network: "net", endpoint: { address: "10.9.0.3", mac: "02:11:22:33:44:55" } }),
  );
  assert.deepEqual([one.address, one.mac, one.gateway], ["10.9.0.3", "02:11:22:33:44:55", "10.9.0.6"]);
  const refused: [object, string, string, RegExp][] = [
    [{ address: "10.9.0.3" }, "net", "ENDPOINT_EXISTS", /address 10\.9\.0\.3 is in use/],
    [{ address: "10.9.0.6" }, "net", "ENDPOINT_EXISTS", /is in use/],
    [{ address: "10.9.0.7" }, "net", "NETWORK_INVALID", /is no address of a host/],
    [{ address: "10.8.0.1" }, "net", "NETWORK_INVALID", /no configured subnet contains/],
    [{ mac: "02:11:22:33:44:55" }, "net", "ENDPOINT_EXISTS", /MAC address/],
    [{ mac: "01:11:22:33:44:55" }, "net", "NETWORK_INVALID", /invalid MAC/],
    [
      { address: "10.9.0.4" },
      "free",
      "NETWORK_INVALID",
      /only when connecting to networks with user configured subnets/,
    ],
    [{ address: "10.9.0.4" }, "bridge", "NETWORK_INVALID", /on user defined networks only/],
  ];
  for (const [endpoint, network, code, message] of refused)
    await assert.rejects(networks.attach(request("x", { network, endpoint })), { code, message });
  await using two = await networks.attach(request("two", { network: "net" }));
  await using three = await networks.attach(request("three", { network: "net" }));
  await using four = await networks.attach(request("four", { network: "net" }));
  assert.deepEqual([two.address, three.address, four.address], ["10.9.0.4", "10.9.0.5", "10.9.0.1"]);
  await assert.rejects(networks.attach(request("five", { network: "net" })), { code: "NETWORK_EXHAUSTED" });
});

test("100 containers at once have 100 addresses", { skip }, async () => {
  await using lab = new Lab();
  await lab.networks().create({ name: "net", subnets: ["10.9.0.0/24"], ipv6: true });
  // Each with an opening of its own, as processes have; the locks are the files'.
  const made = await Promise.all(
    Array.from({ length: 100 }, (_, at) => lab.networks().attach(request(`c${at}`, { network: "net" }))),
  );
  assert.equal(new Set(made.map(({ address }) => address)).size, 100);
  assert.equal(new Set(made.map(({ endpoints }) => endpoints?.[0]?.address6)).size, 100);
  await Promise.all(made.map((one) => one[Symbol.asyncDispose]()));
  assert.deepEqual(
    lab.host.links
      .list()
      .map(({ name }) => name)
      .sort(),
    ["lo", "uplink"],
  );
});

test("several networks, joined and left while the container runs", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  for (const [name, internal] of [
    ["front", false],
    ["back", true],
    ["late", false],
  ] as const)
    await networks.create({ name, internal });
  await using web = await networks.attach(
    request("web", {
      network: "back",
      otherNetworks: [{ network: "front" }],
      ports: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    }),
  );
  lab.serve(web, "web", 80);
  lab.serve(lab.neighbour, "outside", 9001);
  const outside = { namespacePath: lab.neighbour.path };
  assert.deepEqual(
    web.endpoints?.map(({ network, link }) => `${network} ${link}`),
    ["back eth0", "front eth1"],
  );
  assert.equal(
    await lab.connect(web, "192.0.2.1", 9001),
    "outside 192.0.2.2",
    "out by the network that leads out",
  );
  assert.match(await lab.connect(outside, "192.0.2.2", 8080), /^web /, "published there too");
  await assert.rejects(networks.connect({ network: "front", container: "web" }), { code: "ENDPOINT_EXISTS" });
  const late = await networks.connect({ network: "late", container: "web" });
  await using peer = await networks.attach(request("peer", { network: "late" }));
  assert.match(await lab.connect(peer, late.address ?? "", 80), /^web /);
  await networks.disconnect({ network: "front", container: "web" });
  assert.equal(await lab.connect(web, "192.0.2.1", 9001), "outside 192.0.2.2", "the way out moved");
  assert.match(await lab.connect(outside, "192.0.2.2", 8080), /^web /, "and the port with it");
  await networks.disconnect({ network: "late", container: "web" });
  assert.equal(await lab.connectInVain(outside, "192.0.2.2", 8080), "unreachable");
  await assert.rejects(networks.disconnect({ network: "late", container: "web" }), {
    code: "ENDPOINT_NOT_FOUND",
  });
  await assert.rejects(networks.connect({ network: "late", container: "nobody" }), {
    code: "CONTAINER_NOT_FOUND",
  });
});

test("which network leads to the world, what its interface is called and how it is set", {
  skip,
}, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  for (const name of ["a", "b", "c"]) await networks.create({ name });
  const sysctls = "net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.neigh.IFNAME.base_reachable_time=77";
  await using one = await networks.attach(
    request("one", {
      network: "b",
      otherNetworks: [
        {
          network: "a",
          linkLocalAddresses: ["169.254.7.7"],
          driverOptions: {
            "com.docker.network.endpoint.ifname": "inner0",
            "com.docker.network.endpoint.sysctls": sysctls,
          },
        },
      ],
    }),
  );
  const said = async (...words: string[]): Promise<string> =>
    (await lab.run(one.namespacePath, words)).stdout.toString();
  const way = async (): Promise<string | undefined> =>
    /^default .* dev (\S+)/m.exec(await said("ip", "route"))?.[1];
  assert.equal(await way(), "inner0", "the first by name");
  assert.match(await said("ip", "addr", "show", "inner0"), /169\.254\.7\.7\/16/);
  assert.equal((await said("cat", "/proc/sys/net/ipv4/conf/inner0/log_martians")).trim(), "1");
  assert.equal((await said("cat", "/proc/sys/net/ipv4/neigh/inner0/base_reachable_time")).trim(), "77");
  await networks.connect({ network: "c", container: "one", gatewayPriority: 1 });
  assert.equal(await way(), "eth1", "the highest priority");
  await networks.disconnect({ network: "c", container: "one" });
  assert.equal(await way(), "inner0", "what led there before");
  const option = (name: string, value: string) => ({
    driverOptions: { [`com.docker.network.endpoint.${name}`]: value },
  });
  for (const [wrong, words] of [
    [option("ifname", "lo"), /cannot be called "lo"/],
    [option("ifname", "eth0"), /has an interface "eth0" already/],
    [option("sysctls", "net.ipv4.ip_forward=1"), /unrecognised network interface sysctl/],
    [option("sysctls", "net.ipv4.conf.IFNAME.nope=1"), /does not take "1" for net\.ipv4\.conf\.eth1\.nope/],
    [option("colour", "red"), /has no option "com\.docker\.network\.endpoint\.colour"/],
    [{ linkLocalAddresses: ["10.0.0.1"] }, /invalid link-local IP address 10\.0\.0\.1/],
  ] as const)
    await assert.rejects(
      networks.connect({ network: "c", container: "one", ...wrong }),
      { code: "NETWORK_INVALID", message: words },
      JSON.stringify(wrong),
    );
  assert.deepEqual(
    networks.endpoints("one").map(({ network }) => network),
    ["b", "a"],
    "nothing is left of what was refused",
  );
});

test("networks made from a description", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  const options = { "com.docker.network.driver.mtu": "1400" };
  const described = { subnets: ["10.77.0.0/24"], ipRanges: ["10.77.0.128/25"], options, labels: { a: "b" } };
  await networks.create({ name: "plan", configOnly: true, ...described });
  const made = await networks.create({ name: "made", configFrom: "plan", internal: true });
  assert.deepEqual([made.options, made.labels, made.internal], [options, { a: "b" }, true]);
  await using one = await networks.attach(request("one", { network: "made" }));
  assert.equal(one.address, "10.77.0.128");
  const rejected = async (task: Promise<unknown>, code: string, message: RegExp): Promise<void> =>
    await assert.rejects(task, { code, message });
  const from = { name: "other", configFrom: "plan" };
  await rejected(
    networks.create({ ...from, configFrom: "made" }),
    "NETWORK_INVALID",
    /"made" does not exist/,
  );
  await rejected(networks.create({ ...from, subnets: ["10.8.0.0/24"] }), "NETWORK_INVALID", /user specified/);
  await rejected(
    networks.create({ ...from, options: { x: "y" } }),
    "NETWORK_INVALID",
    /driver options are not/,
  );
  await rejected(networks.create(from), "NETWORK_OVERLAP", /overlaps 10\.77\.0\.0\/24 of network "made"/);
  await rejected(
    networks.create({ name: "wrong", configOnly: true, internal: true }),
    "NETWORK_INVALID",
    /can only contain network specific fields/,
  );
  await rejected(
    networks.attach(request("two", { network: "plan" })),
    "NETWORK_INVALID",
    /cannot create endpoint on configuration-only network/,
  );
  await rejected(networks.remove("plan"), "NETWORK_IN_USE", /is in use by made/);
  await one[Symbol.asyncDispose]();
  assert.deepEqual(
    (await networks.prune()).map(({ name }) => name),
    ["made"],
  );
  await networks.remove("plan");
});

test("a container in another's network", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await using web = await networks.attach(request("web"));
  lab.serve(web, "web", 80);
  const sleeper = lab.host.processes.spawn("nsenter", [`--net=${web.namespacePath}`, "sleep", "600"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  using _killed = { [Symbol.dispose]: () => sleeper.kill("SIGKILL") };
  const network = readlinkSync(web.namespacePath ?? "");
  for (const end = Date.now() + 60_000; readlinkSync(`/proc/${sleeper.pid}/ns/net`) !== network; ) {
    assert.ok(Date.now() < end, "nsenter has not entered the network");
    await delay(10);
  }
  await using side = await networks.attach(
    request("side", { network: "container:web", peer: { pid: sleeper.pid, hosts: "h", resolvConf: "r" } }),
  );
  assert.match(await lab.connect(side, "127.0.0.1", 80), /^web /);
  assert.deepEqual([side.hosts, side.resolvConf], ["h", "r"]);
  const ports = [{ containerPort: 80, protocol: "tcp" }] as const;
  await assert.rejects(
    networks.attach(
      request("x", {
        network: "container:web",
        ports,
        peer: { pid: sleeper.pid, hosts: "", resolvConf: "" },
      }),
    ),
    { code: "NETWORK_INVALID" },
  );
  await assert.rejects(networks.attach(request("x", { network: "container:gone" })), {
    message: /non running container/,
  });
});

test("macvlan: neighbours and the parent's network, by mode; the host never", { skip }, async () => {
  for (const [mode, reaches] of [
    ["bridge", true],
    ["private", false],
  ] as const) {
    await using lab = new Lab();
    const networks = lab.networks();
    await networks.create({
      name: "lan",
      driver: "macvlan",
      subnets: ["192.0.2.0/24"],
      gateways: ["192.0.2.1"],
      ipRanges: ["192.0.2.64/26"],
      options: { parent: "uplink", macvlan_mode: mode },
    });
    await using one = await networks.attach(request("one", { network: "lan" }));
    await using two = await networks.attach(request("two", { network: "lan" }));
    lab.serve(one, "one", 80);
    lab.serve(lab.neighbour, "outside", 9001);
    assert.equal(one.address, "192.0.2.64");
    const heard = await lab[reaches ? "connect" : "connectInVain"](two, "192.0.2.64", 80);
    assert.equal(heard, reaches ? "one 192.0.2.65" : "unreachable", mode);
    assert.equal(await lab.connect(one, "192.0.2.1", 9001), "outside 192.0.2.64", mode);
    assert.equal(await lab.connectInVain({}, "192.0.2.64", 80), "unreachable", mode);
  }
});

const lan = (mode: string): CreateNetworkRequest => ({
  name: mode,
  driver: "macvlan",
  subnets: ["192.0.2.0/24"],
  gateways: ["192.0.2.1"],
  ipRanges: ["192.0.2.64/26"],
  options: { parent: "uplink", macvlan_mode: mode },
});

test("macvlan vepa: what the switch beyond does not send back, neighbours do not hear", {
  skip,
}, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await networks.create(lan("vepa"));
  await using one = await networks.attach(request("one", { network: "vepa" }));
  await using two = await networks.attach(request("two", { network: "vepa" }));
  lab.serve(lab.neighbour, "outside", 9001);
  lab.serve(one, "one", 80);
  assert.equal(await lab.connect(two, "192.0.2.1", 9001), `outside ${two.address}`);
  assert.equal(
    await lab.connectInVain(two, one.address ?? "", 80),
    "unreachable",
    "the neighbour is no switch",
  );
  const { flows, surprises } = await networks.verify();
  assert.deepEqual(surprises, []);
  assert.equal(
    flows.find(({ from, to }) => from === "one" && to === "two")?.because,
    "macvlan mode vepa keeps neighbours apart",
  );
});

test("macvlan passthru: one container has the parent, and has it again when it is started anew", {
  skip,
}, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  lab.serve(lab.neighbour, "outside", 9001);
  await networks.create(lan("passthru"));
  for (const name of ["first", "again"]) {
    await using only = await networks.attach(request(name, { network: "passthru" }));
    assert.equal(await lab.connect(only, "192.0.2.1", 9001), `outside ${only.address}`);
    await assert.rejects(networks.attach(request("second", { network: "passthru" })), {
      code: "NETWORK_EXHAUSTED",
      message: /passthru gives its parent "uplink" to one container/,
    });
  }
  const other = { ...lan("bridge"), subnets: ["192.0.3.0/24"], gateways: [], ipRanges: [] };
  await networks.create({ ...other, name: "too" });
  await using _only = await networks.attach(request("only", { network: "passthru" }));
  await assert.rejects(networks.attach(request("third", { network: "too" })), {
    code: "NETWORK_INVALID",
    message: /its parent "uplink" has links of another kind or mode/,
  });
});

test("what this kernel lacks is refused in a sentence", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  const lacks = async (kind: string, ...more: readonly string[]): Promise<boolean> => {
    const words = ["link", "add", "probe0", "link", "uplink", "type", kind, ...more];
    const { status } = await lab.host.processes.run("ip", words);
    if (status === 0) await lab.host.links.remove("probe0");
    return status !== 0;
  };
  const cases: [boolean, string, CreateNetworkRequest][] = [
    [
      await lacks("ipvlan"),
      "ipvlan",
      { name: "ip", driver: "ipvlan", options: { parent: "uplink" }, subnets: ["10.3.0.0/24"] },
    ],
    [
      await lacks("vlan", "id", "9"),
      "vlan",
      { name: "tagged", driver: "macvlan", options: { parent: "uplink.50" }, subnets: ["10.4.0.0/24"] },
    ],
  ];
  for (const [isMissing, kind, create] of cases) {
    const making = networks.create(create);
    if (!isMissing) await making;
    else
      await assert.rejects(making, {
        code: "KERNEL_UNSUPPORTED",
        message: new RegExp(`of kind "${kind}": this kernel has none`),
      });
  }
  const sctp = [{ hostPort: 9000, containerPort: 9000, protocol: "sctp" }] as const;
  if (!lab.host.sockets.has("sctp"))
    await assert.rejects(networks.attach(request("x", { ports: sctp })), {
      code: "PORT_INVALID",
      message: /no SCTP/,
    });
});

test("IPv6: neighbours, the outside and published ports", { skip }, async () => {
  await using lab = new Lab();
  const { links } = lab.host;
  links.addAddress("uplink", "2001:db8::2/64");
  links.addAddress("eth0", "2001:db8::1/64", lab.neighbour);
  links.addRoute({ gateway: "2001:db8::1" });
  const networks = lab.networks();
  await networks.create({ name: "six", ipv6: true });
  await networks.create({ name: "other", ipv6: true });
  const ports = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] as const;
  await using web = await networks.attach(request("web", { network: "six", ports }));
  await using peer = await networks.attach(request("peer", { network: "six" }));
  await using other = await networks.attach(request("other", { network: "other" }));
  lab.serve6(web, "web", 80);
  lab.serve6(lab.neighbour, "outside", 9001);
  const address = web.endpoints?.[0]?.address6 ?? "";
  assert.match(address, /^fd/);
  assert.deepEqual(
    web.ports.map(({ hostAddress, hostPort }) => `${hostAddress} ${hostPort}`),
    ["0.0.0.0 8080", ":: 8080"],
  );
  const outside = { namespacePath: lab.neighbour.path };
  assert.match(await lab.connect(peer, address, 80), /^web fd/, "neighbour");
  assert.equal(await lab.connectInVain(other, address, 80), "unreachable", "another network");
  assert.equal(await lab.connect(web, "2001:db8::1", 9001), "outside 2001:db8::2", "out, masqueraded");
  assert.equal(await lab.connect(outside, "2001:db8::2", 8080), "web 2001:db8::1", "published");
  assert.match(await lab.connect({}, "2001:db8::2", 8080), /^web /, "published, from the host");
  await assert.rejects(
    networks.attach(
      request("x", {
        network: "six",
        ports: [{ hostAddress: "::1", hostPort: 1, containerPort: 1, protocol: "tcp" }],
      }),
    ),
    { code: "PORT_INVALID", message: /127\.0\.0\.1/ },
  );
});

test("options of the bridge driver", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  const docker = "com.docker.network";
  await networks.create({
    name: "odd",
    options: {
      [`${docker}.bridge.name`]: "mybridge",
      [`${docker}.bridge.enable_icc`]: "false",
      [`${docker}.bridge.enable_ip_masquerade`]: "false",
      [`${docker}.bridge.host_binding_ipv4`]: "127.0.0.1",
      [`${docker}.driver.mtu`]: "1400",
    },
  });
  const ports = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] as const;
  await using web = await networks.attach(request("web", { network: "odd", ports }));
  await using peer = await networks.attach(request("peer", { network: "odd" }));
  lab.serve(web, "web", 80);
  lab.serve(lab.neighbour, "outside", 9001);
  lab.host.links.addRoute({ destination: "172.16.0.0/12", gateway: "192.0.2.2" }, lab.neighbour);
  assert.equal(lab.host.links.find("mybridge")?.mtu, 1400);
  assert.equal(await lab.connectInVain(peer, web.address ?? "", 80), "unreachable", "no neighbours");
  assert.match(await lab.connect({}, "127.0.0.1", 8080), /^web /);
  assert.equal(
    await lab.connectInVain({ namespacePath: lab.neighbour.path }, "192.0.2.2", 8080),
    "unreachable",
    "bound to 127.0.0.1",
  );
  assert.equal(await lab.connect(web, "192.0.2.1", 9001), `outside ${web.address}`, "not masqueraded");
});

test("ranges of ports, and -p without a number", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  const range = [{ hostPort: 8000, hostPortLast: 8001, containerPort: 80, protocol: "tcp" }] as const;
  await using one = await networks.attach(request("one", { ports: range }));
  await using two = await networks.attach(request("two", { ports: range }));
  assert.deepEqual([one.ports[0]?.hostPort, two.ports[0]?.hostPort], [8000, 8001]);
  await assert.rejects(networks.attach(request("three", { ports: range })), {
    code: "PORT_IN_USE",
    message: /already published by container "two"/,
  });
});

test("the whole table of 500 containers takes under 50 ms in one transaction", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await using _one = await networks.attach(request("one"));
  const { table } = /table inet (?<table>\S+)/.exec(networks.firewall())?.groups ?? {};
  const { renderFirewall } = await import("../../src/network/firewall-rules.ts");
  const state = crowd(500);
  lab.host.firewall.apply(renderFirewall(table ?? "", state, "o"));
  const times = Array.from({ length: 9 }, () => {
    // Of the processor, which others may have meanwhile.
    const from = process.cpuUsage();
    lab.host.firewall.apply(renderFirewall(table ?? "", state, "o"));
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1000;
  }).sort((a, b) => a - b);
  assert.ok((times[0] ?? 99) < 50, `${times.map((ms) => ms.toFixed(1))} ms`);
});

function crowd(size: number) {
  const numbers = Array.from({ length: size }, (_, at) => at);
  const address = (at: number): string => `10.9.${at >> 8}.${at & 255}`;
  return {
    version: 2 as const,
    bootId: "b",
    changedSettings: {},
    networks: [
      {
        id: "n",
        name: "net",
        driver: "bridge" as const,
        created: "",
        subnets: [{ subnet: "10.9.0.0/16", gateway: "10.9.255.1" }],
        isSubnetChosen: true,
        internal: false,
        attachable: false,
        labels: {},
        options: {},
        link: "br-x",
        ownsLink: true,
        mtu: 1500,
      },
    ],
    sandboxes: numbers.map((at) => ({
      id: `s${at}`,
      containerId: `c${at}`,
      hostname: "",
      namespace: { path: "", inode: 0 },
      ports: [{ hostPort: 20_000 + at, containerPort: 80, protocol: "tcp" as const }],
    })),
    endpoints: numbers.map((at) => ({
      id: `e${at}`,
      sandbox: `s${at}`,
      network: "net",
      link: `lv${at}`,
      inner: "eth0",
      address: address(at),
      mac: "",
      aliases: [],
      links: [],
    })),
  };
}
