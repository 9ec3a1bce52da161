import { join } from "node:path";
import { LighterError } from "#base";
import type { Host } from "#host";
import type { Attachment, AttachRequest, NetworkProvider } from "#runtime";
import { createBridgeDriver } from "./bridge-driver.ts";
import type { NetworkDriver } from "./driver.ts";
import { createHostDriver } from "./host-driver.ts";
import { NetworkLedger } from "./ledger.ts";
import { createNoneDriver } from "./none-driver.ts";

/** How the networks of one store are opened. */
export interface NetworksOptions {
  /** The store; state is kept in `<root>/network`. */
  readonly root: string;
  readonly host: Pick<Host, "links" | "firewall" | "namespaces" | "locks" | "probes">;
  /** Receives sentences worth showing that are no failures. */
  readonly onWarning?: (text: string) => void;
}

/** The networks `bridge`, `host` and `none`. Making them costs nothing; a kernel object appears with the first attachment. */
export function createNetworks(options: NetworksOptions): NetworkProvider {
  const { root, host } = options;
  const onWarning = options.onWarning ?? (() => {});
  const ledger = new NetworkLedger({ folder: join(root, "network"), host });
  const bridge = createBridgeDriver({ root, host, ledger });
  const drivers = new Map<string, NetworkDriver>([
    ["bridge", bridge],
    ["default", bridge],
    ["host", createHostDriver({ onWarning })],
    ["none", createNoneDriver({ host })],
  ]);
  return {
    attach: async (request: AttachRequest): Promise<Attachment> =>
      await driverOf(drivers, request.network).attach(request),
    sweep: () => bridge.sweep(),
  };
}

function driverOf(drivers: ReadonlyMap<string, NetworkDriver>, network: string): NetworkDriver {
  const driver = drivers.get(network);
  if (driver !== undefined) return driver;
  throw new LighterError(
    "NETWORK_NOT_FOUND",
    `cannot join network "${network}": there is none of that name; use bridge, host or none`,
    { details: { network } },
  );
}
