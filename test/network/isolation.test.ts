import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Networks, parsePolicy, type VerifyReport } from "#network";
import type { Attachment } from "#runtime";
import { Lab, missing, request } from "./lab.ts";

const skip = missing() ?? false;
const folder = join(process.cwd(), "docs", "firewall");

test("finance and payments: who reaches whom, by the rules and by packets", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await networks.create({ name: "finance" });
  await networks.create({ name: "payments", internal: true });
  const tcp = (hostPort: number, containerPort: number, hostAddress?: string) =>
    ({
      hostPort,
      containerPort,
      protocol: "tcp",
      ...(hostAddress === undefined ? {} : { hostAddress }),
    }) as const;
  await using api = await networks.attach(
    request("api", { network: "finance", otherNetworks: [{ network: "payments" }], ports: [tcp(8443, 443)] }),
  );
  await using ledger = await networks.attach(
    request("ledger", { network: "finance", ports: [tcp(9000, 90, "127.0.0.1")] }),
  );
  await using vault = await networks.attach(request("vault", { network: "payments" }));
  await using stray = await networks.attach(request("stray"));
  lab.serve(api, "api", 443);
  lab.serve(ledger, "ledger", 90);
  lab.serve(vault, "vault", 8443);
  const report = await networks.verify();
  assert.deepEqual(report.surprises, []);
  const reaching = report.flows.filter(({ protocol, observed }) => protocol === "tcp" && observed === true);
  assert.deepEqual(
    reaching
      .map(
        ({ from, to, hostPort }) => `${from} > ${to}${hostPort === undefined ? "" : ` by host:${hostPort}`}`,
      )
      .sort(),
    [
      "api > api by host:8443",
      "api > host",
      "api > ledger",
      "api > outside",
      "api > vault",
      "host > api",
      "host > api by host:8443",
      "host > ledger",
      "host > ledger by host:9000",
      "host > stray",
      "host > vault",
      "ledger > api",
      "ledger > api by host:8443",
      "ledger > host",
      "ledger > outside",
      "outside > api by host:8443",
      "stray > api by host:8443",
      "stray > host",
      "stray > outside",
      "vault > api",
      "vault > host",
    ],
  );
  // The same by programs of the containers, so that the check itself is checked.
  assert.match(await lab.connect(api, addressOn(vault, "payments"), 8443), /^vault /);
  for (const from of [ledger, stray, { namespacePath: lab.neighbour.path }])
    assert.equal(await lab.connectInVain(from, addressOn(vault, "payments"), 8443), "unreachable");
  const holds =
    "vault: only from api:8443, host\nledger: from api:90, host:90 # by 127.0.0.1:9000\nstray: from host\n";
  assert.deepEqual((await networks.verify({ policy: parsePolicy(holds, "p") })).violations, []);
  const broken = "vault: only from ledger:8443\n";
  const { violations } = await networks.verify({ policy: parsePolicy(broken, "p") });
  assert.deepEqual(
    violations.map(({ text, because }) => `${text}: ${because}`),
    [
      "api reaches vault:8443/tcp: neighbours on the same network (payments)",
      "host reaches vault:8443/tcp: the host is on every bridge",
      "ledger does not reach vault:8443: into: everything else: other networks are dropped",
    ],
  );
});

test("a host's own firewall that drops is a surprise to the rules, and keeps the last word", {
  skip,
}, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  const ports = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] as const;
  await using web = await networks.attach(request("web", { ports }));
  lab.serve(web, "web", 80);
  const drop = "table inet admin {\nchain forward {\ntype filter hook forward priority 10; policy drop;\n";
  lab.host.firewall.apply(`${drop}}\n}`);
  const dropped = await networks.verify();
  const surprise = dropped.surprises.find(({ from, hostPort }) => from === "outside" && hostPort === 8080);
  assert.match(surprise?.because ?? "", /table inet admin, chain forward \(policy drop\)/);
  // What docs/firewall/host-firewall.md tells to do.
  lab.host.firewall.apply(
    `delete table inet admin\n${drop}ct status dnat accept\nct state established,related accept\n}\n}`,
  );
  assert.equal(await lab.connect({ namespacePath: lab.neighbour.path }, "192.0.2.2", 8080), "web 192.0.2.1");
});

test("the same with a firewall of iptables, of the old kind and the new", { skip }, async (t) => {
  for (const [program, named] of [
    ["iptables-legacy", /iptables-legacy \(see iptables-legacy -S FORWARD\)/],
    ["iptables-nft", /table ip filter, chain FORWARD \(policy drop\)/],
  ] as const) {
    await using lab = new Lab();
    if (lab.host.processes.find(program) === undefined) {
      t.diagnostic(`no ${program} here`);
      continue;
    }
    const iptables = async (...words: readonly string[]): Promise<void> => {
      const { status, stderr } = await lab.host.processes.run(program, words);
      assert.equal(status, 0, stderr.toString());
    };
    // As ufw does it: everything is dropped unless a rule of its own lets it through.
    await iptables("-P", "FORWARD", "DROP");
    const networks = lab.networks();
    const ports = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] as const;
    await using web = await networks.attach(request("web", { ports }));
    lab.serve(web, "web", 80);
    const outside = { namespacePath: lab.neighbour.path };
    assert.equal(await lab.connectInVain(outside, "192.0.2.2", 8080), "unreachable", program);
    const surprise = (await networks.verify()).surprises.find(({ hostPort }) => hostPort === 8080);
    assert.match(surprise?.because ?? "", named);
    await iptables("-A", "FORWARD", "-p", "tcp", "--dport", "80", "-j", "ACCEPT");
    await iptables("-A", "FORWARD", "-m", "conntrack", "--ctstate", "ESTABLISHED", "-j", "ACCEPT");
    assert.equal(await lab.connect(outside, "192.0.2.2", 8080), "web 192.0.2.1", program);
  }
});

test("published UDP and IPv6 are tried too, whichever program has the port", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await networks.create({ name: "six", ipv6: true });
  const udp = { containerPort: 53, protocol: "udp" } as const;
  await using dns = await networks.attach(
    request("dns", {
      network: "six",
      ports: [
        { ...udp, hostPort: 5300 },
        { ...udp, hostPort: 5301, hostAddress: "127.0.0.1" },
        { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      ],
    }),
  );
  await using peer = await networks.attach(request("peer", { network: "six" }));
  lab.serveUdp(dns, "dns", 53);
  assert.equal(peer.ports.length, 0);
  const report = await networks.verify();
  assert.deepEqual(report.surprises, []);
  assert.ok(
    report.flows.every(({ observed }) => observed !== undefined),
    "nothing is left untried",
  );
  const reaching = report.flows
    .filter(({ to, hostPort, observed }) => to === "dns" && hostPort !== undefined && observed === true)
    .map(({ from, protocol, version, hostPort }) => `${from} ${hostPort}/${protocol}${version}`);
  const everyone = ["dns", "peer", "host", "outside"];
  const open = ["5300/udp4", "5300/udp6", "8080/tcp4", "8080/tcp6"];
  assert.deepEqual(
    reaching.sort(),
    [...everyone.flatMap((from) => open.map((port) => `${from} ${port}`)), "host 5301/udp4"].sort(),
  );
  const direct = report.flows.filter(({ version, hostPort }) => version === 6 && hostPort === undefined);
  assert.ok(
    direct.some(({ from, to, observed }) => from === "peer" && to === "outside" && observed === true),
  );
  assert.ok(
    direct.some(({ from, to, observed }) => from === "outside" && to === "dns" && observed === false),
  );
});

test("policies that cannot be read are refused with their line", () => {
  assert.throws(() => parsePolicy("web: from anyone\ndb allows web\n", "p"), {
    message: /line 2 is "db allows web"/,
  });
  assert.deepEqual(parsePolicy('# nothing\n---\nweb: from anyone\n"db": from nobody\n', "p"), [
    { target: "db", line: 4, sources: [] },
  ]);
});

interface Page {
  readonly title: string;
  readonly says: string;
  readonly make: (networks: Networks) => Promise<readonly Attachment[]>;
}

const pages: Readonly<Record<string, Page>> = {
  "default-bridge": {
    title: "The default network, with published ports",
    says: "`web` publishes port 80 at 8080 of every address of the host, and port 81 at 8081 of 127.0.0.1; `peer` publishes nothing.",
    make: async (networks) => [
      await networks.attach(
        request("web", {
          ports: [
            { hostPort: 8080, containerPort: 80, protocol: "tcp" },
            { hostAddress: "127.0.0.1", hostPort: 8081, containerPort: 81, protocol: "tcp" },
          ],
        }),
      ),
      await networks.attach(request("peer")),
    ],
  },
  "two-networks": {
    title: "Two networks, one of them internal",
    says: "`finance` leads out, `payments` is `--internal`. `api` is on both, `ledger` and `vault` on one each.",
    make: async (networks) => {
      await networks.create({ name: "finance" });
      await networks.create({ name: "payments", internal: true });
      return [
        await networks.attach(
          request("api", { network: "finance", otherNetworks: [{ network: "payments" }] }),
        ),
        await networks.attach(request("ledger", { network: "finance" })),
        await networks.attach(request("vault", { network: "payments" })),
      ];
    },
  },
  egress: {
    title: "An egress policy",
    says: "`agent` runs with `--egress allow=api.example.com:443,198.51.100.0/24`; `free` is on the same network without one. Addresses of names come into `resolved` when the resolver has answered.",
    make: async (networks) => {
      await networks.create({ name: "work" });
      return [
        await networks.attach(
          request("agent", { network: "work", egress: ["api.example.com:443", "198.51.100.0/24"] }),
        ),
        await networks.attach(request("free", { network: "work" })),
      ];
    },
  },
  "no-neighbours": {
    title: "A network whose containers do not speak to one another",
    says: "Made with `-o com.docker.network.bridge.enable_icc=false`; the bridge itself keeps its ports apart.",
    make: async (networks) => {
      await networks.create({ name: "apart", options: { "com.docker.network.bridge.enable_icc": "false" } });
      return [
        await networks.attach(request("one", { network: "apart" })),
        await networks.attach(request("two", { network: "apart" })),
      ];
    },
  },
};

for (const [name, page] of Object.entries(pages))
  test(`docs/firewall/${name}.md`, { skip }, async () => {
    await using lab = new Lab();
    const networks = lab.networks();
    const attachments = await page.make(networks);
    try {
      const report = await networks.verify();
      assert.deepEqual(report.surprises, []);
      const text = pageText(page, tableText(networks), report);
      const path = join(folder, `${name}.md`);
      if (process.env["UPDATE"] !== undefined) {
        mkdirSync(folder, { recursive: true });
        writeFileSync(path, text);
      }
      assert.equal(
        text,
        readFileSync(path, "utf8"),
        `${name}.md differs; run this test with UPDATE=1 and look at the difference`,
      );
    } finally {
      for (const attachment of attachments) await attachment[Symbol.asyncDispose]();
    }
  });

function pageText({ title, says }: Page, table: string, { flows }: VerifyReport): string {
  const rows = flows
    .filter(({ protocol, version }) => protocol === "tcp" && version === 4)
    .map(
      ({ from, to, hostPort, observed, because }) =>
        `| ${from} | ${to} | ${hostPort === undefined ? "any, by its address" : `${hostPort} of the host`} | ${observed === true ? "yes" : observed === false ? "no" : "not tried"} | ${because} |`,
    );
  return `# ${title}

<!-- Written by test/network/isolation.test.ts, which checks every line with real packets. UPDATE=1 writes it anew. -->

${says}

Who reaches whom (TCP, tried with packets):

| from | to | port | reaches | because |
| --- | --- | --- | --- | --- |
${rows.join("\n")}

The table, as \`lighter network firewall\` prints it:

\`\`\`nft
${table.trim()}
\`\`\`
`;
}

/** What differs from run to run is replaced: names of tables and bridges, paths, counters, the order of elements. */
function tableText(networks: Networks): string {
  let text = networks.firewall();
  for (const { id, name } of networks.list()) text = text.replaceAll(`br-${id.slice(0, 12)}`, `br-${name}`);
  return text
    .replaceAll(/lighter_[0-9a-f]{8}/g, "lighter_00000000")
    .replaceAll(/of lighter [0-9a-f]{8} \S*"/g, 'of lighter 00000000 /var/lib/lighter"')
    .replaceAll(/packets \d+ bytes \d+/g, "packets 0 bytes 0")
    .replaceAll(/(set refused6? \{[^}]*?comment "[^"]*")\s+elements = \{[^}]*\}/g, "$1")
    .replaceAll(/elements = \{ ([^}]*) \}/g, (_, list: string) => `elements = { ${sorted(list)} }`)
    .replaceAll("\t", "    ");
}

/** The kernel keeps elements in an order of its own. */
function sorted(list: string): string {
  return list.split(/,\s+/).sort().join(",\n\t\t\t     ");
}

function addressOn(attachment: Attachment, network: string): string {
  return attachment.endpoints?.find((one) => one.network === network)?.address ?? "";
}
