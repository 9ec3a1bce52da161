import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerRecord } from "#container";
import { inspectContainer } from "./inspect-container.ts";
import { unusedSettings, unusedState } from "./testing.ts";

/** Every field of `docker inspect` (28) for a container on the default bridge. */
const dockers = `
  AppArmorProfile Args Config Config.AttachStderr Config.AttachStdin Config.AttachStdout Config.Cmd
  Config.Domainname Config.Entrypoint Config.Env Config.ExposedPorts Config.Hostname Config.Image
  Config.Labels Config.OnBuild Config.OpenStdin Config.StdinOnce Config.Tty Config.User Config.Volumes
  Config.WorkingDir Created Driver ExecIDs GraphDriver GraphDriver.Data GraphDriver.Data.ID
  GraphDriver.Data.LowerDir GraphDriver.Data.MergedDir GraphDriver.Data.UpperDir GraphDriver.Data.WorkDir
  GraphDriver.Name HostConfig HostConfig.AutoRemove HostConfig.Binds HostConfig.BlkioDeviceReadBps
  HostConfig.BlkioDeviceReadIOps HostConfig.BlkioDeviceWriteBps HostConfig.BlkioDeviceWriteIOps
  HostConfig.BlkioWeight HostConfig.BlkioWeightDevice HostConfig.CapAdd HostConfig.CapDrop
  HostConfig.Cgroup HostConfig.CgroupParent HostConfig.CgroupnsMode HostConfig.ConsoleSize
  HostConfig.ContainerIDFile HostConfig.CpuCount HostConfig.CpuPercent HostConfig.CpuPeriod
  HostConfig.CpuQuota HostConfig.CpuRealtimePeriod HostConfig.CpuRealtimeRuntime HostConfig.CpuShares
  HostConfig.CpusetCpus HostConfig.CpusetMems HostConfig.DeviceCgroupRules HostConfig.DeviceRequests
  HostConfig.Devices HostConfig.Dns HostConfig.DnsOptions HostConfig.DnsSearch HostConfig.ExtraHosts
  HostConfig.GroupAdd HostConfig.IOMaximumBandwidth HostConfig.IOMaximumIOps HostConfig.IpcMode
  HostConfig.Isolation HostConfig.Links HostConfig.LogConfig HostConfig.LogConfig.Config
  HostConfig.LogConfig.Type HostConfig.MaskedPaths HostConfig.Memory HostConfig.MemoryReservation
  HostConfig.MemorySwap HostConfig.MemorySwappiness HostConfig.NanoCpus HostConfig.NetworkMode
  HostConfig.OomKillDisable HostConfig.OomScoreAdj HostConfig.PidMode HostConfig.PidsLimit
  HostConfig.PortBindings HostConfig.Privileged HostConfig.PublishAllPorts HostConfig.ReadonlyPaths
  HostConfig.ReadonlyRootfs HostConfig.RestartPolicy HostConfig.RestartPolicy.MaximumRetryCount
  HostConfig.RestartPolicy.Name HostConfig.Runtime HostConfig.SecurityOpt HostConfig.ShmSize
  HostConfig.UTSMode HostConfig.Ulimits HostConfig.UsernsMode HostConfig.VolumeDriver
  HostConfig.VolumesFrom HostnamePath HostsPath Id Image LogPath MountLabel Mounts Name NetworkSettings
  NetworkSettings.Bridge NetworkSettings.EndpointID NetworkSettings.Gateway
  NetworkSettings.GlobalIPv6Address NetworkSettings.GlobalIPv6PrefixLen NetworkSettings.HairpinMode
  NetworkSettings.IPAddress NetworkSettings.IPPrefixLen NetworkSettings.IPv6Gateway
  NetworkSettings.LinkLocalIPv6Address NetworkSettings.LinkLocalIPv6PrefixLen NetworkSettings.MacAddress
  NetworkSettings.Networks NetworkSettings.Networks.bridge NetworkSettings.Networks.bridge.Aliases
  NetworkSettings.Networks.bridge.DNSNames NetworkSettings.Networks.bridge.DriverOpts
  NetworkSettings.Networks.bridge.EndpointID NetworkSettings.Networks.bridge.Gateway
  NetworkSettings.Networks.bridge.GlobalIPv6Address NetworkSettings.Networks.bridge.GlobalIPv6PrefixLen
  NetworkSettings.Networks.bridge.GwPriority NetworkSettings.Networks.bridge.IPAMConfig
  NetworkSettings.Networks.bridge.IPAddress NetworkSettings.Networks.bridge.IPPrefixLen
  NetworkSettings.Networks.bridge.IPv6Gateway NetworkSettings.Networks.bridge.Links
  NetworkSettings.Networks.bridge.MacAddress NetworkSettings.Networks.bridge.NetworkID
  NetworkSettings.Ports NetworkSettings.SandboxID NetworkSettings.SandboxKey
  NetworkSettings.SecondaryIPAddresses NetworkSettings.SecondaryIPv6Addresses Path Platform ProcessLabel
  ResolvConfPath RestartCount State State.Dead State.Error State.ExitCode State.FinishedAt State.OOMKilled
  State.Paused State.Pid State.Restarting State.Running State.StartedAt State.Status`
  .trim()
  .split(/\s+/);

const endpoint = {
  network: "bridge",
  networkId: "n1",
  driver: "bridge",
  endpointId: "e1",
  link: "eth0",
  address: "172.17.0.2",
  prefix: 16,
  gateway: "172.17.0.1",
  mac: "02:42:ac:11:00:02",
  aliases: [],
  dnsNames: ["web"],
};

const record: ContainerRecord = {
  ...unusedSettings,
  id: "0123456789abcdef".repeat(4),
  name: "web",
  image: { id: "sha256:1", name: "bb" },
  created: "2026-11-20T11:00:00Z",
  hostname: "0123456789ab",
  process: { args: ["sleep", "9"], entrypointLength: 0, env: [], cwd: "/", user: "" },
  exposedPorts: ["80/tcp"],
  network: {
    name: "bridge",
    ports: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    published: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    extraHosts: [],
    endpoints: [endpoint],
    networking: { dns: { servers: ["9.9.9.9"] } },
  },
  state: { ...unusedState, status: "running", pid: 7, startedAt: "2026-11-20T11:59:00Z" },
};

/** A field by its path, as a template names it. */
function field(of: ContainerRecord, path: string, networkId?: string): unknown {
  let value: unknown = inspectContainer(of, "/s", networkId);
  for (const name of path.split(".")) {
    assert.ok(typeof value === "object" && value !== null && name in value, `${path} is there`);
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

test("inspect has every field of docker's", () => {
  for (const path of dockers) assert.notEqual(field(record, path), undefined, path);
});

const mounts: ContainerRecord["mounts"] = [
  {
    type: "bind",
    source: "/a",
    destination: "/b",
    readOnly: true,
    propagation: "rprivate",
    asked: { flag: "volume", mode: "ro,z" },
  },
  {
    type: "volume",
    name: "db",
    source: "/s/volumes/db/_data",
    destination: "/data",
    readOnly: false,
    propagation: "rprivate",
    asked: { flag: "volume", mode: "" },
  },
  {
    type: "tmpfs",
    destination: "/t",
    readOnly: false,
    options: ["size=1m"],
    asked: { flag: "tmpfs", mode: "size=1m" },
  },
  {
    type: "tmpfs",
    destination: "/m",
    readOnly: false,
    options: ["size=1m", "mode=700"],
    asked: { flag: "mount" },
  },
];

test("what scripts read of a container", () => {
  const onUserNetwork: ContainerRecord = {
    ...record,
    network: {
      ...record.network,
      name: "front",
      networking: { endpoint: { address: "10.1.0.9", links: ["db"] } },
      endpoints: [{ ...endpoint, network: "front", address: "10.1.0.9" }],
    },
  };
  const bare: ContainerRecord = { ...record, network: { name: "none", ports: [], extraHosts: [] } };
  const cases: [ContainerRecord, string, unknown][] = [
    [record, "NetworkSettings.IPAddress", "172.17.0.2"],
    [record, "NetworkSettings.IPPrefixLen", 16],
    [record, "NetworkSettings.Networks.bridge.NetworkID", "n1"],
    [record, "NetworkSettings.Networks.bridge.IPAMConfig", null],
    [record, "NetworkSettings.Networks.bridge.DNSNames", null],
    [record, "NetworkSettings.Ports", { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] }],
    [record, "HostConfig.Dns", ["9.9.9.9"]],
    [record, "HostConfig.DnsSearch", []],
    [record, "HostConfig.ConsoleSize", [0, 0]],
    [record, "Config.Volumes", null],
    [record, "GraphDriver.Data.MergedDir", "/proc/7/root"],
    [{ ...record, volumesFrom: ["db:ro"] }, "HostConfig.VolumesFrom", ["db:ro"]],
    [{ ...record, cgroupParent: "/batch" }, "HostConfig.CgroupParent", "/batch"],
    [
      { ...record, limits: { deviceReadBps: [{ path: "/dev/a", rate: 5 }] } },
      "HostConfig.BlkioDeviceReadBps",
      [{ Path: "/dev/a", Rate: 5 }],
    ],
    [{ ...record, security: { ...record.security, privileged: true } }, "HostConfig.MaskedPaths", null],
    [record, "Config.AttachStdout", true],
    [{ ...record, isDetached: true }, "Config.AttachStdout", false],
    [{ ...record, input: "open", attach: ["stdin"] }, "Config.AttachStdout", false],
    [{ ...record, input: "open" }, "Config.StdinOnce", true],
    [
      { ...record, security: { ...record.security, capAdd: ["net_admin", "ALL"] } },
      "HostConfig.CapAdd",
      ["CAP_NET_ADMIN", "ALL"],
    ],
    [
      { ...record, namespaces: { ...record.namespaces, pid: "host" } },
      "HostConfig.SecurityOpt",
      ["label=disable"],
    ],
    [{ ...record, mounts }, "HostConfig.Binds", ["/a:/b:ro,z", "db:/data"]],
    [{ ...record, mounts }, "HostConfig.Tmpfs", { "/t": "size=1m" }],
    [
      { ...record, mounts },
      "HostConfig.Mounts",
      [{ Type: "tmpfs", Target: "/m", TmpfsOptions: { SizeBytes: 1 << 20, Mode: 0o700 } }],
    ],
    [
      { ...record, mounts },
      "Mounts",
      [
        { Type: "bind", Source: "/a", Destination: "/b", RW: false, Mode: "ro,z", Propagation: "rprivate" },
        {
          Type: "volume",
          Name: "db",
          Driver: "local",
          Source: "/s/volumes/db/_data",
          Destination: "/data",
          RW: true,
          Mode: "z",
          Propagation: "",
        },
        { Type: "tmpfs", Source: "", Destination: "/m", RW: true, Mode: "", Propagation: "" },
      ],
    ],
    [onUserNetwork, "NetworkSettings.IPAddress", ""],
    [onUserNetwork, "NetworkSettings.Networks.front.IPAddress", "10.1.0.9"],
    [onUserNetwork, "NetworkSettings.Networks.front.IPAMConfig", { IPv4Address: "10.1.0.9" }],
    [onUserNetwork, "NetworkSettings.Networks.front.Links", ["db"]],
    [onUserNetwork, "HostConfig.Links", null],
    [
      { ...onUserNetwork, network: { ...onUserNetwork.network, name: "bridge" } },
      "HostConfig.Links",
      ["/db:/web/db"],
    ],
    [onUserNetwork, "NetworkSettings.Networks.front.DNSNames", ["web"]],
    [bare, "NetworkSettings.Networks.none.NetworkID", "of-none"],
    [bare, "NetworkSettings.Networks.none.EndpointID", ""],
  ];
  for (const [of, path, want] of cases) assert.deepEqual(field(of, path, "of-none"), want, path);
});
