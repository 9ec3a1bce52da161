import { realpathSync } from "node:fs";
import { LighterError } from "#base";
import { sha256 } from "#host";
import type { Network } from "./network-record.ts";

/** Marks kernel objects as this store's, so that several stores share a host. */
export interface Owner {
  readonly table: string;
  readonly text: string;
  /** 40 bits in hexadecimal. */
  readonly globalId: string;
  /** Whether a link with this alias is this store's. */
  owns(alias: string | undefined): boolean;
}

export function ownerOf(root: string): Owner {
  const path = realpathSync.native(root);
  let known: string | undefined;
  const hash = (): string => (known ??= sha256(path));
  const short = (): string => hash().slice(0, 8);
  return {
    get table() {
      return `lighter_${short()}`;
    },
    get text() {
      return `lighter ${short()} ${path}`;
    },
    get globalId() {
      return hash().slice(8, 18);
    },
    owns: (alias) => /^lighter [0-9a-f]{8} (.*)$/s.exec(alias ?? "")?.[1] === path,
  };
}

/** What no other network may be called. */
export const predefinedNames: readonly string[] = ["bridge", "host", "none"];

/** The three networks that are there from the start; their ids are the store's. */
export function predefinedNetworks(root: string): readonly Network[] {
  const of = (name: string, driver: Network["driver"]): Network => ({
    // Made when it is asked for: who names a network needs no id.
    get id() {
      return sha256(`${name} of ${root}`);
    },
    name,
    driver,
    created: "0001-01-01T00:00:00Z",
    subnets: [],
    isSubnetChosen: false,
    internal: false,
    attachable: false,
    labels: {},
    options: {},
  });
  return [of("bridge", "bridge"), of("host", "host"), of("none", "null")];
}

/** By name, by id, or by a beginning of an id that only one has. */
export function findNetwork(networks: readonly Network[], text: string): Network | undefined {
  const wanted = text === "default" ? "bridge" : text;
  const exact = networks.find(({ name }) => name === wanted) ?? networks.find(({ id }) => id === wanted);
  if (exact !== undefined) return exact;
  const begun = wanted === "" ? [] : networks.filter(({ id }) => id.startsWith(wanted));
  if (begun.length < 2) return begun[0];
  throw new LighterError(
    "NETWORK_INVALID",
    `cannot choose network "${text}": ${begun.length} have an id that begins so; write more of it`,
  );
}

/** A network that containers can be on. @throws NETWORK_NOT_FOUND, NETWORK_INVALID */
export function getJoinable(networks: readonly Network[], text: string, verb = "join"): Network {
  const found = getNetwork(networks, text, verb);
  if (found.configOnly === undefined) return found;
  throw new LighterError(
    "NETWORK_INVALID",
    `cannot ${verb} network "${found.name}": cannot create endpoint on configuration-only network; make one with --config-from ${found.name}`,
    { details: { network: found.name } },
  );
}

/** @throws NETWORK_NOT_FOUND */
export function getNetwork(networks: readonly Network[], text: string, verb = "join"): Network {
  const found = findNetwork(networks, text);
  if (found !== undefined) return found;
  throw new LighterError(
    "NETWORK_NOT_FOUND",
    `cannot ${verb} network "${text}": network ${text} not found; "lighter network ls" lists them`,
    { details: { network: text } },
  );
}
