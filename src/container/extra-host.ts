import { isIP } from "node:net";
import { LighterError } from "#base";
import type { AttachRequest } from "#runtime";

type ExtraHost = NonNullable<AttachRequest["extraHosts"]>[number];

/** Reads docker's `--add-host name:address` (or `name=address`). @throws CONTAINER_INVALID */
export function parseExtraHost(text: string): ExtraHost {
  const at = text.search(/[:=]/);
  const name = at < 0 ? "" : text.slice(0, at);
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  if (name !== "" && !/\s/.test(name) && (isIP(address) !== 0 || address === "host-gateway"))
    return { name, address };
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot add host "${text}": want name:address, with an IP address or host-gateway`,
  );
}
