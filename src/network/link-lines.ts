import { LighterError } from "#base";
import type { Joining } from "./endpoint-plan.ts";
import type { ExtraHost } from "./hosts-file.ts";
import { hasNames } from "./network-record.ts";
import { endpointsOf, labelOf, type NetworkState, raisedNetwork, type Sandbox } from "./network-state.ts";

/** A `--link CONTAINER[:ALIAS]` taken apart. */
export function parseLink(text: string): { readonly container: string; readonly alias: string } {
  const [container = "", alias = container] = text.split(":", 2);
  return { container: container.replace(/^\//, ""), alias: alias.replace(/^\//, "") };
}

/** Where no resolver answers, links are lines of /etc/hosts, as docker does it on its default bridge. */
export function linkLines(state: NetworkState, sandbox: Sandbox): readonly ExtraHost[] {
  return endpointsOf(state, sandbox).flatMap((endpoint) => {
    const network = raisedNetwork(state, endpoint.network);
    if (network === undefined || hasNames(network)) return [];
    return endpoint.links.map(parseLink).flatMap(({ container, alias }): ExtraHost[] => {
      const target = findSandbox(state, container);
      const address =
        target && endpointsOf(state, target).find((one) => one.network === network.name)?.address;
      if (target === undefined || address === undefined) return [];
      const names = [...new Set([alias, target.hostname, labelOf(target)])];
      return [{ address, name: names.join(" ") }];
    });
  });
}

/** Lines of /etc/hosts are written once: who is not there then is never found. @throws CONTAINER_NOT_FOUND */
export function checkLinks(state: NetworkState, joinings: readonly Joining[]): void {
  for (const { network, request } of joinings) {
    if (hasNames(network)) continue;
    for (const { container } of (request.links ?? []).map(parseLink)) {
      const target = findSandbox(state, container);
      const isHere =
        target !== undefined && endpointsOf(state, target).some((one) => one.network === network.name);
      if (!isHere)
        throw new LighterError(
          "CONTAINER_NOT_FOUND",
          `cannot link to container "${container}": no running container of that name is on network "${network.name}"; start it first`,
          { details: { container } },
        );
    }
  }
}

/** By name, by id or by a beginning of the id. */
export function findSandbox(state: NetworkState, text: string): Sandbox | undefined {
  return (
    state.sandboxes.find(({ containerName }) => containerName === text) ??
    state.sandboxes.find(({ containerId }) => text.length > 0 && containerId.startsWith(text))
  );
}
