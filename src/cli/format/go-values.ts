/**
 * Docker's templates run over Go's structs and maps, and scripts lean on the difference: a struct without the field is an error,
 * a map without the key is not; a list that is nil prints as `[]` and is `null` as JSON.
 */

const nil = { value: () => null };
const nilList: readonly unknown[] = Object.freeze(Object.defineProperty([], "toJSON", nil));

/** Fields that are maps, and what one gives for a key that it has not. */
const maps: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...["Annotations", "Data", "DriverOpts", "Labels", "Options", "StorageOpt", "Sysctls", "Tmpfs"].map(
    (name) => [name, ""] as const,
  ),
  ["PortBindings", nilList],
  ["Ports", nilList],
  ["Networks", null],
  // Of a volume; a State has a text of that name.
  ["Status", null],
  ["Containers", null],
  ["ExposedPorts", {}],
  ["Volumes", {}],
]);

const lists: ReadonlySet<string> = new Set(
  `Aliases Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps BlkioWeightDevice CapAdd CapDrop
  Cmd DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch DNSNames Entrypoint Env ExecIDs ExtraHosts GroupAdd Links
  MaskedPaths OnBuild ReadonlyPaths RepoDigests RepoTags SecondaryIPAddresses SecondaryIPv6Addresses SecurityOpt Shell Ulimits
  VolumesFrom`.split(/\s+/),
);

/** Fields that docker's JSON leaves out when they are empty, and that its structs have all the same. */
const absent: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...["Health", "Healthcheck", "Init", "SizeRootFs", "SizeRw", "StopTimeout"].map(
    (name) => [name, null] as const,
  ),
  ...[
    "Author",
    "Comment",
    "Driver",
    "MacAddress",
    "Name",
    "OsVersion",
    "Runtime",
    "StopSignal",
    "Variant",
  ].map((name) => [name, ""] as const),
  ["Mounts", nilList],
]);

const zeros = new WeakMap<object, unknown>();
const structs = new WeakSet<object>();

/** The object of an `inspect` as a template sees it. */
export function goValue(value: unknown, name = ""): unknown {
  if (value === null) return lists.has(name) ? nilList : maps.has(name) ? nilMapOf(name) : null;
  if (Array.isArray(value)) return value.map((item: unknown) => goValue(item));
  if (typeof value !== "object") return value;
  const made = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, goValue(item, key)]));
  // The options of a log driver are the one `Config` that is a map.
  if (maps.has(name)) zeros.set(made, maps.get(name));
  else structs.add(made);
  if (name === "LogConfig" && typeof made["Config"] === "object" && made["Config"] !== null) {
    structs.delete(made["Config"]);
    zeros.set(made["Config"], "");
  }
  return made;
}

function nilMapOf(name: string): object {
  const made = Object.defineProperty({}, "toJSON", nil);
  zeros.set(made, maps.get(name));
  return made;
}

/** The object of an `inspect` as its JSON: maps alone, and nothing where it has `null`. */
export function jsonValue(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== "object") return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, item]) => [name, jsonValue(item)]));
}

/** A row of a listing as a template sees it. */
export function goRow<Row extends object>(row: Row): Row {
  structs.add(row);
  return row;
}

export function isStruct(value: object): boolean {
  return structs.has(value);
}

/** What `index` gives for a key that a map has not. */
export function zeroOf(map: object): unknown {
  return zeros.get(map);
}

/** Fields of docker's structs whose names differ from those in JSON. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["ID", "Id"],
  ["NanoCPUs", "NanoCpus"],
  ["APIVersion", "ApiVersion"],
  ["CPUPeriod", "CpuPeriod"],
  ["CPUQuota", "CpuQuota"],
  ["CPUShares", "CpuShares"],
  ["DNS", "Dns"],
  ["DNSOptions", "DnsOptions"],
  ["DNSSearch", "DnsSearch"],
]);

const jsonNames: ReadonlySet<string> = new Set(aliases.values());

/** The name in JSON of a field that a template may name as docker's program does. */
export function jsonName(name: string): string | undefined {
  return aliases.get(name);
}

/** Whether docker's program has another name for a field of a struct. */
export function isJsonOnly(value: object, name: string): boolean {
  return isStruct(value) && jsonNames.has(name);
}

/** What a field that a struct's JSON has not is in the struct; undefined when there is no such field. */
export function absentField(name: string): unknown {
  if (lists.has(name)) return nilList;
  return maps.has(name) ? nilMapOf(name) : absent.get(name);
}
