import { posix, resolve } from "node:path";
import { LighterError } from "#base";
import type { MountPoint } from "./mount-point.ts";

const propagations = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
/** Said for SELinux and macOS; they change nothing here. */
const ignored = new Set(["z", "Z", "cached", "delegated", "consistent"]);
const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/**
 * Reads docker's `-v [source:]destination[:options]`: a source with a slash is a path of the host, another is a volume's
 * name, none is a volume without a name. The source of a volume is not known yet and stays empty.
 * @throws CONTAINER_INVALID
 */
export function parseVolume(text: string): MountPoint {
  const parts = text.split(":");
  const fail = (state: string) => invalid("volume", text, state);
  if (parts.length > 3 || parts.includes("")) throw fail("want [SOURCE:]/container/path[:OPTIONS]");
  const [first = "", second, third = ""] = parts;
  const isAnonymous = second === undefined;
  const destination = destinationOf(isAnonymous ? first : second, fail);
  const words = third.split(",").filter((word) => word !== "");
  const unknown = words.find(
    (word) => !["ro", "rw", "nocopy"].includes(word) && !propagations.has(word) && !ignored.has(word),
  );
  if (unknown !== undefined)
    throw fail(`option "${unknown}" is unknown; use ro, rw, nocopy or a propagation`);
  if (words.includes("ro") && words.includes("rw")) throw fail("it cannot be read-only and not");
  const common = {
    destination,
    readOnly: words.includes("ro"),
    propagation: words.find((word) => propagations.has(word)) ?? "rprivate",
    asked: { flag: "volume", mode: third },
  } as const;
  if (isAnonymous) return { type: "volume", source: "", copies: true, isAnonymous: true, ...common };
  if (posix.isAbsolute(first) || first.startsWith(".")) {
    if (words.includes("nocopy")) throw fail("nocopy is for a volume, and this is a path of the host");
    return { type: "bind", source: resolve(first), ...common };
  }
  if (words.some((word) => propagations.has(word)))
    throw fail("a propagation is for a path of the host, and this is a volume");
  if (!volumeName.test(first))
    throw fail(`"${first}" is no volume's name; want letters, digits, "_", "." and "-", or a path`);
  return { type: "volume", source: "", name: first, copies: !words.includes("nocopy"), ...common };
}

/** Reads docker's `--mount type=bind,source=/a,target=/b[,readonly]`. @throws CONTAINER_INVALID */
export function parseMount(text: string): MountPoint {
  const fail = (state: string) => invalid("mount", text, state);
  const given = text.split(",").map((field) => splitField(field));
  const fields = new Map(given);
  const take = (...names: readonly string[]): string | undefined => {
    const found = names.map((name) => fields.get(name)).find((value) => value !== undefined);
    for (const name of names) fields.delete(name);
    return found;
  };
  const takeAll = (name: string): Readonly<Record<string, string>> | undefined => {
    const words = given.filter(([field]) => field === name).map(([, value]) => splitField(value));
    fields.delete(name);
    return words.length === 0 ? undefined : Object.fromEntries(words);
  };
  const wrong = text.split(",").find((field) => /^\s|^[^=]*\s=/.test(field));
  if (wrong !== undefined) throw fail(`field "${wrong}" has a blank in its name`);
  const type = take("type")?.toLowerCase() ?? "volume";
  const source = take("source", "src");
  const destination = destinationOf(take("target", "destination", "dst") ?? "", fail);
  const readOnly = isSaid(take("readonly", "ro"), fail);
  const mount = typedMount(type, { source, destination, readOnly }, { take, takeAll, fail });
  const [left] = fields.keys();
  if (left !== undefined) throw fail(`field "${left}" is not known for type ${type}`);
  return mount;
}

interface MountFields {
  readonly take: (...names: readonly string[]) => string | undefined;
  /** Of a field that stands more than once, as `NAME=VALUE`. */
  readonly takeAll: (name: string) => Readonly<Record<string, string>> | undefined;
  readonly fail: (state: string) => LighterError;
}

function typedMount(
  type: string,
  given: { readonly source: string | undefined; readonly destination: string; readonly readOnly: boolean },
  { take, takeAll, fail }: MountFields,
): MountPoint {
  const { source, ...rest } = given;
  const common = { ...rest, asked: { flag: "mount" } } as const;
  switch (type) {
    case "bind": {
      if (source === undefined || !posix.isAbsolute(source))
        throw fail("the source must be an absolute path");
      const propagation = take("bind-propagation") ?? "rprivate";
      if (!propagations.has(propagation)) throw fail(`propagation "${propagation}" is unknown`);
      take("consistency");
      return { type, source, mustExist: true, propagation, ...recursionOf(take, fail), ...common };
    }
    case "volume": {
      if (source !== undefined && !volumeName.test(source)) throw fail(`"${source}" is no volume's name`);
      const copies = !isSaid(take("volume-nocopy"), fail);
      if ((take("volume-driver") ?? "local") !== "local") throw fail("the only volume driver is local");
      const named = source === undefined ? { isAnonymous: true } : { name: source };
      const [labels, driverOptions] = [takeAll("volume-label"), takeAll("volume-opt")];
      const made = { ...(labels && { labels }), ...(driverOptions && { driverOptions }) };
      return { type, source: "", copies, propagation: "rprivate", ...named, ...made, ...common };
    }
    case "tmpfs": {
      if (source !== undefined) throw fail("a tmpfs has no source");
      const size = take("tmpfs-size");
      const mode = take("tmpfs-mode");
      const options = [...(size === undefined ? [] : [`size=${size}`]), `mode=${mode ?? "1777"}`];
      return { type, options, ...common };
    }
    default:
      throw fail(`type "${type}" is not bind, volume or tmpfs`);
  }
}

/** What becomes of mounts below the source; docker's `readonly` alone is refused, as not every kernel has it. */
function recursionOf(
  take: MountFields["take"],
  fail: MountFields["fail"],
): { readonly below?: "absent" | "writable" } {
  const isShallow = isSaid(take("bind-nonrecursive"), fail);
  const recursion = take("bind-recursive") ?? (isShallow ? "disabled" : "enabled");
  switch (recursion) {
    case "enabled":
      return {};
    case "disabled":
      return { below: "absent" };
    case "writable":
      return { below: "writable" };
    default:
      throw fail(`bind-recursive=${recursion} is not known; use enabled, disabled or writable`);
  }
}

/** Reads docker's `--tmpfs /path[:options]`. @throws CONTAINER_INVALID */
export function parseTmpfs(text: string): MountPoint {
  const colon = text.indexOf(":");
  const fail = (state: string) => invalid("tmpfs", text, state);
  const destination = destinationOf(colon < 0 ? text : text.slice(0, colon), fail);
  const words =
    colon < 0
      ? []
      : text
          .slice(colon + 1)
          .split(",")
          .filter((word) => word !== "");
  const unknown = words.find(
    (word) => !/^(ro|rw|exec|noexec|suid|nosuid|dev|nodev|(size|mode|uid|gid|nr_inodes)=\w+%?)$/.test(word),
  );
  if (unknown !== undefined) throw fail(`option "${unknown}" is unknown`);
  const options = words.filter((word) => word !== "ro" && word !== "rw");
  if (!options.some((word) => word.startsWith("mode="))) options.push("mode=1777");
  const mode = colon < 0 ? "" : text.slice(colon + 1);
  return {
    type: "tmpfs",
    destination,
    readOnly: words.includes("ro"),
    options,
    asked: { flag: "tmpfs", mode },
  };
}

/** All mounts of a request. @throws CONTAINER_INVALID when two want one place */
export function parseMounts(asked: {
  readonly volumes?: readonly string[];
  readonly mounts?: readonly string[];
  readonly tmpfs?: readonly string[];
}): readonly MountPoint[] {
  const all = [
    ...[...new Set(asked.volumes ?? [])].map(parseVolume),
    ...(asked.mounts ?? []).map(parseMount),
    ...(asked.tmpfs ?? []).map(parseTmpfs),
  ];
  const twice = all.find(
    ({ destination }, at) => all.findIndex((other) => other.destination === destination) !== at,
  );
  if (twice === undefined) return all;
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot mount "${twice.destination}": two volumes want that place`,
  );
}

function splitField(field: string): readonly [string, string] {
  const equals = field.indexOf("=");
  return equals < 0 ? [field, ""] : [field.slice(0, equals), field.slice(equals + 1)];
}

/** A field that is a condition: its name alone says yes. */
function isSaid(value: string | undefined, fail: (state: string) => LighterError): boolean {
  if (value === undefined) return false;
  if (value === "" || /^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw fail(`"${value}" is neither true nor false`);
}

/** What programs that show a container its own share of the host (lxcfs) mount, and runtimes let them. */
const procFiles = /^(cpuinfo|diskstats|meminfo|stat|swaps|uptime|loadavg|slabinfo|net\/dev)$/;

function destinationOf(text: string, fail: (state: string) => LighterError): string {
  const path = posix.resolve("/", text);
  if (!posix.isAbsolute(text) || path === "/")
    throw fail("the path in the container must be absolute and not the root");
  // A false /proc would take what the runtime writes there to confine the program (CVE-2025-52881).
  if (/^\/proc(\/|$)/.test(path) && !procFiles.test(path.slice("/proc/".length)))
    throw fail("nothing may be mounted over /proc");
  return path;
}

function invalid(kind: string, text: string, state: string): LighterError {
  return new LighterError("CONTAINER_INVALID", `cannot use ${kind} "${text}": ${state}`, {
    details: { text },
  });
}
