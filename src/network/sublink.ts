import { setTimeout as delay } from "node:timers/promises";
import { LighterError } from "#base";
import { errnoOf, type Host, type NetworkNamespace } from "#host";
import type { Network } from "./network-record.ts";
import type { Endpoint, RaisedNetwork } from "./network-state.ts";

const tries = 250;
const betweenTriesMs = 20;

/** A parent that is given away whole, or as another kind, is free again when the namespace of the last holder has gone. */
export async function createSublink(
  links: Host["links"],
  network: RaisedNetwork,
  endpoint: Endpoint,
  namespace: NetworkNamespace,
): Promise<void> {
  for (let triesLeft = tries; ; triesLeft -= 1) {
    try {
      return createSublinkNow(links, network, endpoint, namespace);
    } catch (error) {
      if (!["EINVAL", "EBUSY"].includes(errnoOf(error) ?? "")) throw error;
      if (triesLeft === 0) throw parentTaken(network, error);
      await delay(betweenTriesMs);
    }
  }
}

function createSublinkNow(
  links: Host["links"],
  network: RaisedNetwork,
  endpoint: Endpoint,
  namespace: NetworkNamespace,
): void {
  const kind = network.driver === "ipvlan" ? "ipvlan" : "macvlan";
  const mode =
    kind === "ipvlan"
      ? (network.options["ipvlan_mode"] ?? "l2")
      : (network.options["macvlan_mode"] ?? "bridge");
  links.createSublink({
    kind,
    mode,
    name: endpoint.inner,
    parent: network.link,
    namespace,
    mtu: network.mtu,
    ...(kind === "macvlan" ? { mac: endpoint.mac } : {}),
  });
}

function parentTaken({ name, link }: RaisedNetwork, cause: unknown): LighterError {
  return new LighterError(
    "NETWORK_INVALID",
    `cannot join network "${name}": its parent "${link}" has links of another kind or mode; remove them or choose another parent`,
    { details: { network: name, parent: link }, cause },
  );
}

export function parentMissing({ name }: Pick<Network, "name">, parent: string): LighterError {
  const state =
    parent === "" ? "it has no parent interface" : `its parent interface "${parent}" is not there`;
  return new LighterError(
    "NETWORK_INVALID",
    `cannot use network "${name}": ${state}; name one with -o parent=INTERFACE`,
    { details: { network: name, parent } },
  );
}
