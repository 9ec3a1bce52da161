import { formatBytes } from "#base";
import type { ContainerRecord } from "#container";
import { defineCommand } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";
import type { Io } from "../io.ts";

const infoFlags = {
  format: { kind: "string", short: "f", value: "json|TEMPLATE", summary: "How to print" },
} as const;

export const info = defineCommand({
  name: "info",
  summary: "Show where the store is, what it holds and what the host can do",
  usage: "[OPTIONS]",
  flags: infoFlags,
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter info", explains: "Say which store is used and what it holds" },
    { command: "lighter info -f '{{.CgroupVersion}}'", explains: "Ask for one fact by docker's name" },
  ],
  async run({ flags, io, openEngine }) {
    await using engine = await openEngine();
    const facts = await collect(engine, io);
    if (flags.format === undefined) {
      await io.stdout.write(textOf(facts));
      return 0;
    }
    const { printObject } = await import("../format/print-objects.ts");
    await io.stdout.write(printObject(facts, flags.format));
    return 0;
  },
});

type Facts = Awaited<ReturnType<typeof collect>>;

/** By docker's names, as far as lighter has the thing, and `Root`, `ImageBytes` and `Node` of its own. */
async function collect(engine: CliEngine, io: Io) {
  const os = await import("node:os");
  const runtimes = await installedRuntimes(io.env["PATH"]);
  const { existsSync, readFileSync } = await import("node:fs");
  const images = engine.images.list();
  const records = await engine.containers.list();
  const count = (status: readonly ContainerRecord["state"]["status"][]): number =>
    records.filter(({ state }) => status.includes(state.status)).length;
  const isV2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  return {
    Containers: records.length,
    ContainersRunning: count(["running", "restarting"]),
    ContainersPaused: count(["paused"]),
    ContainersStopped: count(["created", "exited"]),
    Images: images.length,
    ImageBytes: images.reduce((sum, image) => sum + image.sizeBytes, 0),
    Driver: "overlay2",
    LoggingDriver: "json-file",
    CgroupDriver: "cgroupfs",
    CgroupVersion: isV2 ? "2" : "1",
    KernelVersion: os.release(),
    OperatingSystem: /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? "Linux",
    OSType: "linux",
    Architecture: os.machine(),
    NCPU: os.availableParallelism(),
    MemTotal: os.totalmem(),
    DockerRootDir: engine.root,
    Root: engine.root,
    Name: os.hostname(),
    ServerVersion: LIGHTER_VERSION,
    Version: LIGHTER_VERSION,
    Node: process.versions.node,
    SecurityOptions: ["name=seccomp,profile=builtin", ...(isV2 ? ["name=cgroupns"] : [])],
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "ipvlan", "macvlan", "null"],
      Authorization: null,
      Log: ["json-file", "local", "none"],
    },
    ...cgroupFacts(isV2, existsSync),
    IPv4Forwarding: readFileSync("/proc/sys/net/ipv4/ip_forward", "latin1").trim() === "1",
    SystemTime: new Date(io.now()).toISOString(),
    OSVersion: /^VERSION_ID="?([^"\n]*)/m.exec(release)?.[1] ?? "",
    IndexServerAddress: "https://index.docker.io/v1/",
    Labels: [],
    Debug: false,
    ExperimentalBuild: false,
    // Containers live on without the command that started them: there is no daemon to restore.
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: "docker-init",
    Runtimes: runtimes,
    DefaultRuntime: Object.keys(runtimes)[0] ?? "",
    Swarm: { LocalNodeState: "inactive", ControlAvailable: false, NodeID: "" },
    Warnings: null,
  };
}

/** What a container could be run by, first what is taken. */
async function installedRuntimes(path: string | undefined) {
  const { createHost } = await import("#host");
  const { processes } = createHost(path === undefined ? {} : { path });
  return Object.fromEntries(
    ["crun", "runc"].flatMap((name) => {
      const program = processes.find(name);
      return program === undefined ? [] : [[name, { path: program }] as const];
    }),
  );
}

/** Which limits the kernel keeps. */
function cgroupFacts(isV2: boolean, exists: (path: string) => boolean) {
  const has = (controller: string): boolean => isV2 || exists(`/sys/fs/cgroup/${controller}`);
  return {
    MemoryLimit: has("memory"),
    SwapLimit: isV2 || exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"),
    CpuCfsPeriod: has("cpu"),
    CpuCfsQuota: has("cpu"),
    CPUShares: has("cpu"),
    CPUSet: has("cpuset"),
    PidsLimit: has("pids"),
    OomKillDisable: !isV2 && has("memory"),
  };
}

function textOf(facts: Facts): string {
  return `lighter:     ${facts.Version}
root:        ${facts.Root}
containers:  ${facts.Containers} (${facts.ContainersRunning} running, ${facts.ContainersPaused} paused, ${facts.ContainersStopped} stopped)
images:      ${facts.Images} (${formatBytes(facts.ImageBytes)} before layers that they share)
kernel:      ${facts.KernelVersion}, cgroup v${facts.CgroupVersion}
system:      ${facts.OperatingSystem}
runtime:     ${Object.values(facts.Runtimes)[0]?.path ?? "none; install crun or runc"}
node:        ${facts.Node}
processors:  ${facts.NCPU}
memory:      ${formatBytes(facts.MemTotal)}
`;
}
