import { LighterError } from "#base";
import type { RunOptions } from "#engine";
import { defineCommand, type FlagValues, type Invocation } from "../command.ts";
import { readEnvFile, resolveEnv } from "../env-flags.ts";
import { parsePublish } from "../publish-flag.ts";

const runFlags = {
  "add-host": { kind: "list", value: "HOST:IP", summary: "Add a line to /etc/hosts of the container" },
  entrypoint: { kind: "string", value: "PROGRAM", summary: "Start this program instead of the image's" },
  env: {
    kind: "list",
    short: "e",
    value: "NAME[=VALUE]",
    summary: "Set a variable; without a value it is passed on",
  },
  "env-file": { kind: "list", value: "FILE", summary: "Read variables from a file" },
  hostname: { kind: "string", short: "h", value: "NAME", summary: "Host name of the container" },
  interactive: { kind: "boolean", short: "i", summary: "Keep the standard input open" },
  name: { kind: "string", value: "NAME", summary: "Name of the container" },
  network: { kind: "string", value: "bridge|none|host", summary: "Network to join (default bridge)" },
  publish: {
    kind: "list",
    short: "p",
    value: "[IP:][HOST:]PORT[/udp]",
    summary: "Make a port of the container reachable on the host",
  },
  "read-only": { kind: "boolean", summary: "Mount the root file system read-only" },
  rm: { kind: "boolean", summary: "Remove the container when it ends" },
  tty: { kind: "boolean", short: "t", summary: "Give the program a terminal" },
  user: { kind: "string", short: "u", value: "NAME|UID[:GROUP|GID]", summary: "User the program runs as" },
  volume: {
    kind: "list",
    short: "v",
    value: "SOURCE:TARGET[:ro]",
    summary: "Show a directory of the host inside",
  },
  workdir: { kind: "string", short: "w", value: "DIRECTORY", summary: "Directory the program starts in" },
} as const;

export const run = defineCommand({
  name: "run",
  summary: "Run a program in a new container",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  flags: runFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "image",
  stopsAtArgument: true,
  notYet: [
    ..."annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile".split(
      " ",
    ),
    ..."cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach".split(
      " ",
    ),
    ..."detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps".split(" "),
    ..."device-write-iops dns dns-option dns-search domainname expose gpus group-add health-cmd".split(" "),
    ..."health-interval health-retries health-start-interval health-start-period health-timeout init ip".split(
      " ",
    ),
    ..."ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address".split(
      " ",
    ),
    ..."memory memory-reservation memory-swap memory-swappiness mount network-alias no-healthcheck".split(
      " ",
    ),
    ..."oom-kill-disable oom-score-adj pid pids-limit platform privileged publish-all pull quiet restart".split(
      " ",
    ),
    ..."runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs".split(" "),
    ..."ulimit userns uts volume-driver volumes-from -a -c -d -l -m -P -q".split(" "),
  ],
  examples: [
    {
      command: "lighter run --rm calculator 6 x 7",
      explains: "Run the image's program with three arguments",
    },
    { command: "lighter run --rm -it debian:bookworm bash", explains: "Look around in an image" },
    {
      command: "lighter run --rm -p 8080:80 web",
      explains: "Reach port 80 of the container at port 8080 of the host",
    },
  ],
  async run(invocation) {
    const options = runOptions(invocation);
    await using engine = await invocation.openEngine();
    return await engine.run(options);
  },
});

function runOptions({ flags, args, io, signal }: Invocation<typeof runFlags>): RunOptions {
  const [image = "", ...rest] = args;
  if (flags.tty && io.stdin.isTTY !== true)
    throw new LighterError(
      "USAGE",
      "cannot give the program a terminal: the standard input is not a terminal; leave -t out",
    );
  const env = [
    ...flags["env-file"].flatMap((path) => readEnvFile(path, io.env)),
    ...resolveEnv(flags.env, io.env),
  ];
  return {
    image,
    stdio: "inherit",
    remove: flags.rm,
    interactive: flags.interactive,
    tty: flags.tty,
    readOnly: flags["read-only"],
    signal,
    ...(rest.length > 0 && { args: rest }),
    ...(env.length > 0 && { env }),
    ...(flags.publish.length > 0 && { ports: flags.publish.flatMap((text) => parsePublish(text)) }),
    ...(flags.volume.length > 0 && { volumes: flags.volume }),
    ...(flags["add-host"].length > 0 && { extraHosts: flags["add-host"] }),
    // An empty entrypoint takes the image's away, as docker's --entrypoint "" does.
    ...(flags.entrypoint !== undefined && { entrypoint: flags.entrypoint === "" ? [] : [flags.entrypoint] }),
    ...plainOptions(flags),
  };
}

function plainOptions(flags: FlagValues<typeof runFlags>): Partial<RunOptions> {
  const { name, hostname, network, user, workdir } = flags;
  return {
    ...(name !== undefined && { name }),
    ...(hostname !== undefined && { hostname }),
    ...(network !== undefined && { network }),
    ...(user !== undefined && { user }),
    ...(workdir !== undefined && { workdir }),
  };
}
