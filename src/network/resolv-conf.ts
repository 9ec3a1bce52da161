import { readFileSync } from "node:fs";
import { systemErrorCode } from "#base";

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
export function containerResolvConf(): string {
  const host = read(hostFile);
  const source = isStub(host) ? resolvedFile : hostFile;
  return renderResolvConf(source === hostFile ? host : read(source), source);
}

/** Keeps search and options, drops servers that a container cannot reach (loopback, IPv6); with none left, docker's defaults. */
export function renderResolvConf(text: string, source: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  const servers = lines.flatMap((line) => serverOf(line) ?? []).filter(isReachable);
  const kept = lines.filter((line) => line !== "" && !/^[#;]/.test(line) && serverOf(line) === undefined);
  const used = servers.length === 0 ? defaultServers : servers;
  const origin =
    servers.length === 0
      ? `# ${source} names no server that a container can reach: public ones are used.`
      : `# From ${source} of the host.`;
  return [origin, ...used.map((server) => `nameserver ${server}`), ...kept, ""].join("\n");
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
