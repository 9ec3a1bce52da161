import { LighterError } from "#base";
import type { RunRequest } from "./run-request.ts";

/** What belongs to a network, or to a host's name, that the container only shares. @throws CONTAINER_INVALID */
export function checkNetworkMode({ network = "", uts, hostname, expose, networking }: RunRequest): void {
  const isPeer = network.startsWith("container:");
  const links = networking?.endpoint?.links ?? [];
  const conflicts: readonly (readonly [boolean, string, string])[] = [
    [uts === "host" && isGiven(hostname), "--hostname with --uts host", "hostname and the UTS mode"],
    [isPeer && isGiven(hostname), `--hostname with --network ${network}`, "hostname and the network mode"],
    [
      isPeer && isGiven(expose),
      `--expose with --network ${network}`,
      "port exposing and the container type network mode",
    ],
    [
      (isPeer || network === "host") && isGiven(links),
      `--link with --network ${network}`,
      "a link is a name in a network of the container's own",
    ],
  ];
  const found = conflicts.find(([isFound]) => isFound);
  if (found === undefined) return;
  throw new LighterError("CONTAINER_INVALID", `cannot use ${found[1]}: conflicting options: ${found[2]}`);
}

function isGiven(value: { readonly length: number } | undefined): boolean {
  return value !== undefined && value.length > 0;
}
