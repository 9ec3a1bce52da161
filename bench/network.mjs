// Times one kind of network traffic of two containers that an engine has joined to a network, and prints the seconds.
//   node bench/network.mjs KIND IMAGE ENGINE-COMMAND...
// The programs that send are the host's, in the containers' namespaces: what differs between engines is the network alone.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { place } from "./box.mjs";
import { modestLimits } from "./run-scratch.mjs";
import { forceNow } from "./tidy.mjs";

const [kind, image, ...engine] = process.argv.slice(2);
const engineProgram = basename(engine[0]);
const limits = engineProgram === "podman" ? modestLimits : [];
const network = "bench-net";
const containers = ["bench-client", "bench-server"];
const ports = { bulk: "5201", requests: "8081" };
const published = { bulk: "15201", requests: "18081" };
// The same way of every packet twice in turn: between two processors the scheduler's luck would be most of what is measured.
const [, processor] = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"));
const onOneProcessor = ["taskset", "-c", processor];
const counts = { requests: "20000", connections: "5000", "look-ups": "500" };

const kinds = {
  "throughput between containers": () => throughput(within(client), address(), ports.bulk),
  "throughput by a published port": () => throughput([], "127.0.0.1", published.bulk),
  "requests between containers": () =>
    traffic("requests", [...onOneProcessor, ...within(client)], address(), { server: onOneProcessor }),
  "requests by a published port": () => traffic("requests", [], "127.0.0.1", { port: published.requests }),
  "connections by a published port": () =>
    traffic("connections", [], "127.0.0.1", { port: published.requests }),
  "name look-ups": () =>
    run(within(client), program, "look-ups", nameServer(), "bench-server", counts["look-ups"]),
};

const folder = mkdtempSync(join(tmpdir(), "bench-network-"));
// In a run of the benchmark it is made once.
const program = join(existsSync(place) ? place : folder, "network-traffic");
const started = [];
let client;
let server;
try {
  if (!existsSync(program))
    run([], "cc", "-O2", "-o", program, join(import.meta.dirname, "network-traffic.c"));
  run(engine, "network", "create", network);
  const busybox = ["/usr/bin/busybox", "/bin/busybox"].find((path) => existsSync(path));
  const sleeps = [
    ...limits,
    "-v",
    `${busybox}:/busybox:ro`,
    "--entrypoint",
    "/busybox",
    image,
    "sleep",
    "1000",
  ];
  const publish = Object.keys(ports).flatMap((one) => ["-p", `${published[one]}:${ports[one]}`]);
  run(engine, "run", "-d", "--name", "bench-server", "--network", network, ...publish, ...sleeps);
  run(engine, "run", "-d", "--name", "bench-client", "--network", network, ...sleeps);
  [client, server] = containers.map((name) => run(engine, "inspect", "--format", "{{.State.Pid}}", name));
  console.log(await kinds[kind]());
} finally {
  for (const child of started) child.kill("SIGKILL");
  removeAll();
  rmSync(folder, { recursive: true, force: true });
}

function removeAll() {
  const [first, ...words] = engine;
  spawnSync(first, [...words, "rm", ...forceNow(engineProgram), ...containers], { stdio: "ignore" });
  spawnSync(first, [...words, "network", "rm", network], { stdio: "ignore" });
}

async function throughput(from, host, port) {
  serve("iperf3", "-s", "-p", ports.bulk);
  await delay(300);
  const { end } = JSON.parse(run(from, "iperf3", "-J", "-n", "4G", "-c", host, "-p", port));
  return end.sum_received.seconds;
}

/** @param server words before the command that serves */
async function traffic(what, from, host, { port = ports.requests, server: before = [] }) {
  serve(...before, program, "serve", ports.requests);
  await delay(300);
  run(from, program, what, host, port, "200");
  return run(from, program, what, host, port, counts[what]);
}

function within(pid) {
  return ["nsenter", "-t", pid, "-n"];
}

function serve(...command) {
  const [first, ...words] = [...within(server), ...command];
  started.push(spawn(first, words, { stdio: "ignore" }));
}

/** Of docker and lighter 127.0.0.11, of podman the network's gateway. */
function nameServer() {
  const text = readFileSync(`/proc/${client}/root/etc/resolv.conf`, "utf8");
  return /^nameserver\s+(\S+)/m.exec(text)[1];
}

function address() {
  return JSON.parse(run(within(server), "ip", "-j", "-4", "addr", "show", "eth0"))[0].addr_info[0].local;
}

function run(before, ...command) {
  const [first, ...words] = [...before, ...command];
  const { status, stdout, stderr, error } = spawnSync(first, words);
  if (status !== 0)
    throw new Error(`${first} ${words.join(" ")}: ${error?.message ?? ""} ${stderr} ${stdout}`);
  return stdout.toString().trim();
}
