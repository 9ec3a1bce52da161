// Docker's lines about networks as its users write them, with `lighter` for `docker`.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { Lab, missing } from "./lab.ts";

const skip = whyNoMachine() || missing() || false;

interface Line {
  readonly line: string;
  readonly status?: number;
  readonly says?: RegExp;
  /** What a program does that a line before has started, and that may need its time: it is tried again until it is so. */
  readonly isSoon?: true;
}

/** A line whose status, output and errors are as they should be. */
function check(clone: Clone, { line, status = 0, says = /(?:)/, isSoon }: Line): void {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
  let done = clone.run(words);
  for (const end = Date.now() + 60_000; isSoon === true && done.status !== status && Date.now() < end; )
    done = clone.run(words);
  assert.equal(done.status, status, `${line}\n${done.stderr}`);
  assert.match(status === 0 ? done.stdout : done.stderr || done.stdout, says, line);
}

function buildBox(clone: Clone): void {
  copyFileSync(
    existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox",
    join(clone.folder, "busybox"),
  );
  const lines = [
    "FROM scratch",
    "COPY busybox /bin/busybox",
    "EXPOSE 80 53/udp",
    'CMD ["/bin/busybox", "sleep", "600"]',
  ];
  writeFileSync(join(clone.folder, "Dockerfile"), `${lines.join("\n")}\n`);
  check(clone, { line: `build -q -t box ${clone.folder}` });
}

const ask = (from: string, name: string): string => `exec ${from} /bin/busybox nslookup ${name} 127.0.0.11`;
const reach = (from: string, to: string): string => `exec ${from} /bin/busybox nc -w 60 ${to}`;

const story: readonly Line[] = [
  { line: "network ls --format {{.Name}}:{{.Driver}}", says: /^bridge:bridge\nhost:host\nnone:null\n$/ },
  { line: "network rm bridge", status: 1, says: /bridge is a pre-defined network and cannot be removed/ },
  { line: "network create secure-network", says: /^[0-9a-f]{64}\n$/ },
  {
    line: "network create secure-network",
    status: 1,
    says: /network with name secure-network already exists/,
  },
  { line: "network create --internal --subnet 10.9.0.0/24 --label team=money payments" },
  {
    line: "network create --subnet 10.9.0.128/25 twice",
    status: 1,
    says: /overlaps 10\.9\.0\.0\/24 of network "payments"/,
  },
  { line: "network ls -q --filter label=team=money --format {{.Name}}", says: /^payments\n$/ },
  { line: "run -d --name api --network secure-network -p 8080:80 box /bin/busybox httpd -f -h /etc" },
  { line: "run -d --name vault --network payments --ip 10.9.0.7 --network-alias safe box" },
  {
    line: "run -d --name late --network payments --ip 10.9.0.7 box",
    status: 125,
    says: /10\.9\.0\.7 is in use/,
  },
  { line: "run -d --name second -p 8080:80 box", status: 125, says: /already published by container "api"/ },
  { line: "run --rm --network nowhere box", status: 125, says: /network nowhere not found/ },
  {
    line: "network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' payments",
    says: /^vault 10\.9\.0\.7\/24\n$/,
  },
  { line: ask("api", "vault"), status: 1 },
  { line: "network connect --alias gate --ip 10.9.0.20 payments api" },
  {
    line: "inspect -f '{{range $name, $one := .NetworkSettings.Networks}}{{$name}} {{$one.IPAddress}} {{end}}' api",
    says: /payments 10\.9\.0\.20 /,
  },
  { line: ask("api", "safe"), says: /10\.9\.0\.7/ },
  { line: ask("vault", "gate"), says: /10\.9\.0\.20/ },
  { line: reach("vault", "10.9.0.20 80"), isSoon: true },
  { line: "rename api front" },
  { line: ask("vault", "front"), says: /10\.9\.0\.20/ },
  { line: "network rm payments", status: 1, says: /has active endpoints \((?:vault, front|front, vault)\)/ },
  { line: "network disconnect payments front" },
  { line: ask("vault", "front"), status: 1 },
  { line: "port front", says: /^80\/tcp -> 0\.0\.0\.0:8080\n80\/tcp -> \[::\]:8080\n$/ },
  { line: "run -d --name any -P box" },
  { line: "port any 53/udp", says: /^0\.0\.0\.0:\d+\n$/ },
  {
    line: "run --rm --network container:vault box /bin/busybox ip -4 addr show eth0",
    says: /10\.9\.0\.7\/24/,
  },
  { line: "run --rm --network none box /bin/busybox ip -o link", says: /^1: lo\b[^\n]*\n$/ },
  { line: "run --rm --network host box /bin/busybox ip -o link", says: /: uplink/ },
  { line: "network verify --format json", says: /"surprises": \[\]/ },
  { line: "rm -f front vault any late second" },
  { line: "network prune -f --filter label!=team", says: /^Deleted Networks:\nsecure-network\n/ },
  { line: "network rm payments", says: /^payments\n$/ },
  { line: "network rm payments", status: 1, says: /network payments not found/ },
];

test("docker's lines about networks", { skip }, async () => {
  await using lab = new Lab();
  using clone = openClone();
  buildBox(clone);
  try {
    for (const line of story) check(clone, line);
  } finally {
    clone.run(["rm", "-f", "api", "front", "vault", "late", "second", "any"]);
  }
  // The last links go beside the last command.
  const left = (): readonly string[] => [
    ...lab.host.links
      .list()
      .map(({ name }) => name)
      .sort(),
    lab.host.firewall.print("ruleset"),
  ];
  const nothing = ["lo", "uplink", ""];
  for (const end = Date.now() + 60_000; String(left()) !== String(nothing) && Date.now() < end; )
    await delay(20);
  assert.deepEqual(left(), nothing);
});
