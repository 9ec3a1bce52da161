import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import { LighterError, systemErrorCode } from "#base";
import type { EventLog } from "#events";

/** A directory that outlives containers: `<root>/volumes/<name>/_data`. */
export interface Volume {
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Made for one container without a name, and goes with it. */
  readonly isAnonymous: boolean;
}

/** Volumes on disk. */
export class VolumeStore {
  readonly #folder: string;
  readonly #events: EventLog;

  constructor(folder: string, events: EventLog) {
    this.#folder = folder;
    this.#events = events;
  }

  /** The directory with the data. */
  dataDirectory(name: string): string {
    return this.find(name)?.options["device"] ?? this.ownDirectory(name);
  }

  /** The one in the store: empty when the data is elsewhere. */
  ownDirectory(name: string): string {
    return join(this.#folder, name, "_data");
  }

  /** The volume of that name, made when there is none; without a name a new one. @throws CONTAINER_INVALID */
  ensure(
    name: string | undefined,
    given: Partial<Pick<Volume, "labels" | "options" | "isAnonymous">> = {},
  ): Volume {
    const chosen = name ?? randomBytes(32).toString("hex");
    const found = this.find(chosen);
    if (found !== undefined) return found;
    checkVolumeName(chosen);
    checkOptions(given.options ?? {});
    const volume: Volume = {
      name: chosen,
      created: new Date().toISOString(),
      labels: given.labels ?? {},
      options: given.options ?? {},
      isAnonymous: given.isAnonymous ?? false,
    };
    mkdirSync(this.#folder, { recursive: true, mode: 0o711 });
    mkdirSync(this.ownDirectory(chosen), { recursive: true, mode: 0o755 });
    const path = this.#recordPath(chosen);
    writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(volume)}\n`, { mode: 0o600 });
    renameSync(`${path}.${process.pid}`, path);
    this.#tell("create", volume);
    return volume;
  }

  find(name: string): Volume | undefined {
    if (!isVolumeName(name)) return undefined;
    try {
      return JSON.parse(readFileSync(this.#recordPath(name), "utf8")) as Volume;
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "") || error instanceof SyntaxError)
        return undefined;
      throw error;
    }
  }

  /** @throws VOLUME_NOT_FOUND */
  get(name: string): Volume {
    const volume = this.find(name);
    if (volume !== undefined) return volume;
    throw new LighterError("VOLUME_NOT_FOUND", `cannot find volume "${name}": there is none of that name`, {
      details: { volume: name },
    });
  }

  /** By name. */
  list(): readonly Volume[] {
    return existsSync(this.#folder)
      ? readdirSync(this.#folder)
          .sort()
          .flatMap((name) => this.find(name) ?? [])
      : [];
  }

  /** Removes the record first: what a crash leaves of the data has no name any more and is taken over by the next of that name. */
  remove(name: string): void {
    const volume = this.find(name);
    rmSync(this.#recordPath(name), { force: true });
    rmSync(join(this.#folder, name), { recursive: true, force: true });
    if (volume !== undefined) this.#tell("destroy", volume);
  }

  #tell(action: "create" | "destroy", { name, labels }: Volume): void {
    this.#events.append({ type: "volume", action, id: name, attributes: { ...labels, driver: "local" } });
  }

  #recordPath(name: string): string {
    return join(this.#folder, name, "volume.json");
  }
}

/** Docker's options of its local driver, as far as they name a directory. @throws CONTAINER_INVALID */
function checkOptions(options: Volume["options"]): void {
  const { type = "none", o = "", device, ...others } = options;
  if (Object.keys(options).length === 0) return;
  const fail = (state: string): LighterError =>
    new LighterError("CONTAINER_INVALID", `cannot make the volume: ${state}`);
  const [other] = Object.keys(others);
  if (other !== undefined) throw fail(`option "${other}" is unknown; there are type, o and device`);
  if (type === "tmpfs")
    throw fail(
      "a tmpfs would be another one in each container; use --tmpfs, or a directory in /dev/shm as its device",
    );
  const words = o.split(",").filter(Boolean);
  if ((type !== "none" && type !== "bind") || !words.some((word) => word === "bind" || word === "rbind"))
    throw fail(`type=${type},o=${o} would mount a filesystem; mount it on the host and use type=none,o=bind`);
  const wrong = words.find((word) => !["bind", "rbind", "rw"].includes(word));
  if (wrong !== undefined)
    throw fail(`o=${wrong} is not known; there is o=bind, and :ro where it is mounted`);
  if (
    device === undefined ||
    !isAbsolute(device) ||
    statSync(device, { throwIfNoEntry: false })?.isDirectory() !== true
  )
    throw fail(`device=${device ?? ""} is no directory of the host`);
}

function isVolumeName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name);
}

function checkVolumeName(name: string): void {
  if (isVolumeName(name) && name.length > 1) return;
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot name a volume "${name}": want two or more letters, digits, "_", "." and "-", first a letter or digit`,
  );
}
