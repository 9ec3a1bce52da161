import { readFileSync } from "node:fs";
import { systemErrorCode } from "#base";
import type { DnsSettings } from "#runtime";

const hostFile = "/etc/resolv.conf";
/** The real servers where /etc/resolv.conf names only systemd-resolved's stub. */
const resolvedFile = "/run/systemd/resolve/resolv.conf";
/** Docker's servers for a host that has none a container can reach. */
const defaultServers = ["8.8.8.8", "8.8.4.4"];

/** The host's file as it is; empty when there is none. */
export function readHostResolvConf(): string {
  return read(hostFile);
}

/** /etc/resolv.conf for a container with IPv4 and no resolver of its own, by docker's rules. */
export function containerResolvConf(settings: DnsSettings = {}): string {
  const { text, source } = readSource();
  return renderResolvConf(text, source, settings);
}

/** /etc/resolv.conf for a container whose names the engine's resolver answers. */
export function resolverResolvConf(settings: DnsSettings = {}): string {
  const { text, source } = readSource();
  const { search, options } = chosen(text, settings);
  const rest = options.some((option) => option.startsWith("ndots:")) ? options : [...options, "ndots:0"];
  const servers = upstreamServers(settings);
  return [
    `# The resolver of lighter; search and options are from ${source} of the host, or chosen.`,
    "nameserver 127.0.0.11",
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    `options ${rest.join(" ")}`,
    `# ExtServers: [${servers.map((server) => (isReachable(server) ? server : `host(${server})`)).join(" ")}]`,
    "",
  ].join("\n");
}

/** The servers that the resolver asks: those chosen, else the host's own, whatever their address. */
function upstreamServers(settings: DnsSettings = {}): readonly string[] {
  if (settings.servers !== undefined && settings.servers.length > 0) return settings.servers;
  const servers = read(hostFile)
    .split("\n")
    .flatMap((line) => serverOf(line.trim()) ?? []);
  return servers.length === 0 ? defaultServers : servers;
}

function readSource(): { readonly text: string; readonly source: string } {
  const host = read(hostFile);
  return isStub(host) ? { text: read(resolvedFile), source: resolvedFile } : { text: host, source: hostFile };
}

/** What was chosen replaces what the host has; `.` as the only search domain means none. */
function chosen(text: string, settings: DnsSettings) {
  const words = (keyword: string): string[] => {
    const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
    const found = lines.filter(([first]) => first === keyword);
    return keyword === "search" ? (found.at(-1)?.slice(1) ?? []) : found.flatMap((line) => line.slice(1));
  };
  const search = settings.search?.length ? settings.search : words("search");
  const options = settings.options?.length ? settings.options : words("options");
  return { search: search.length === 1 && search[0] === "." ? [] : search, options };
}

/** Keeps search and options, drops servers that a container cannot reach (loopback, IPv6); with none left, docker's defaults. */
export function renderResolvConf(text: string, source: string, settings: DnsSettings = {}): string {
  const lines = text.split("\n").map((line) => line.trim());
  const servers = settings.servers?.length
    ? settings.servers
    : lines.flatMap((line) => serverOf(line) ?? []).filter(isReachable);
  const { search, options } = chosen(text, settings);
  const kept = lines.filter((line) => line !== "" && !/^([#;]|(nameserver|search|options)\s)/.test(line));
  const used = servers.length === 0 ? defaultServers : servers;
  const origin =
    servers.length === 0
      ? `# ${source} names no server that a container can reach: public ones are used.`
      : `# From ${source} of the host.`;
  return [
    origin,
    ...used.map((server) => `nameserver ${server}`),
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
    ...kept,
    "",
  ].join("\n");
}

/** Docker's rule: 127.0.0.53 as the only server means systemd-resolved. */
function isStub(text: string): boolean {
  const servers = text.split("\n").flatMap((line) => serverOf(line.trim()) ?? []);
  return servers.length === 1 && servers[0] === "127.0.0.53";
}

function serverOf(line: string): string | undefined {
  return /^nameserver\s+(\S+)/.exec(line)?.[1];
}

function isReachable(server: string): boolean {
  return !server.startsWith("127.") && !server.includes(":");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  }
}
