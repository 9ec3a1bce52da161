import { buildChecks, quote, type Range, type Reporter } from "#dockerfile";
import { fault } from "./fault.ts";

/**
 * The ports that EXPOSE declares, as `port/protocol`; ranges are written out. Addresses and host ports are read and
 * dropped, with a warning.
 * @throws PLAN_INVALID with BuildKit's words
 */
export function readPorts(words: readonly string[], at: At): string[] {
  return words.flatMap((word) => readPort(word, at));
}

/** A port costs what it takes in the memory: as text of history and in the sets of the image. */
const charactersPerPort = 64;

interface At {
  readonly range: Range;
  readonly reporter: Reporter;
  /** See `PlanContext.spend`. */
  readonly spend: (characters: number) => void;
}

function readPort(word: string, at: At): string[] {
  const { address, hostPort, containerPort } = splitParts(word);
  const [port = "", protocol = ""] = splitOnce(containerPort, "/");
  if (port === "") throw fault(`invalid port: ${quote(word)}: no port specified`);
  if (!["", "tcp", "udp", "sctp"].includes(protocol.toLowerCase()))
    throw fault(`invalid port: ${quote(word)}: invalid proto: ${protocol}`);
  if (protocol !== protocol.toLowerCase()) at.reporter.report(buildChecks.exposeProtoCasing, at.range, word);
  if (address !== "" || hostPort !== "") at.reporter.report(buildChecks.exposeInvalidFormat, at.range, word);
  checkAddress(address);
  const range = findRange(port);
  if (range === undefined) throw fault(`invalid containerPort: ${port}`);
  checkHostPort(hostPort, port, range);
  at.spend(charactersPerPort * (range.end - range.start + 1));
  const suffix = protocol === "" ? "tcp" : protocol.toLowerCase();
  return Array.from(
    { length: range.end - range.start + 1 },
    (_, index) => `${range.start + index}/${suffix}`,
  );
}

/** `[address:][hostPort:]containerPort`; an address of version 6 has colons of its own. */
function splitParts(word: string): { address: string; hostPort: string; containerPort: string } {
  const parts = word.split(":");
  const containerPort = parts.pop() ?? "";
  const hostPort = parts.pop() ?? "";
  return { address: parts.join(":"), hostPort, containerPort };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function checkAddress(address: string): void {
  if (address === "") return;
  const bare = /^\[(.*)\]$/.exec(address)?.[1];
  if (address.startsWith("[") && bare === undefined) throw fault(`invalid IP address ${address}`);
  if (!isAddress(bare ?? address)) throw fault(`invalid IP address: ${bare ?? address}`);
}

interface PortRange {
  readonly start: number;
  readonly end: number;
}

/** A range of host ports must be as long as that of the container, unless the container has one port. */
function checkHostPort(hostPort: string, containerPort: string, range: PortRange): void {
  if (hostPort === "") return;
  const host = findRange(hostPort);
  if (host === undefined) throw fault(`invalid hostPort: ${hostPort}`);
  if (range.end - range.start !== host.end - host.start && range.end !== range.start)
    throw fault(`invalid ranges specified for container and host Ports: ${containerPort} and ${hostPort}`);
}

function findRange(text: string): PortRange | undefined {
  const [first = "", second = first] = splitOnce(text, "-");
  const start = findNumber(first);
  const end = findNumber(second);
  return start === undefined || end === undefined || end < start ? undefined : { start, end };
}

function findNumber(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 0 && port <= 65_535 ? port : undefined;
}

/** The pure rooms may not ask `node:net`; a URL knows what an address is. */
function isAddress(text: string): boolean {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return text.split(".").every((part) => Number(part) <= 255);
  return text.includes(":") && URL.canParse(`http://[${text}]/`);
}
