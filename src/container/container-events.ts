import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EventFacts } from "#events";
import type { EndpointFacts } from "#runtime";
import type { ContainerRecord, StoredContainer } from "./container-record.ts";
import type { Parts } from "./parts.ts";

/** Tells that something happened to a container. */
export function tell(
  { events }: Pick<Parts, "events">,
  action: string,
  record: StoredContainer,
  more: Readonly<Record<string, string>> = {},
): void {
  const { attributes, ...facts } = factsOf(record);
  events.append({ action, ...facts, attributes: { ...attributes, ...more } });
}

// What monitor/events.c reads at once.
const mostFactsBytes = 32_000;

/** What the monitor puts into its events: the inside of an object, its attributes left open. */
export function writeFacts(
  bundle: string,
  record: StoredContainer,
  more: Readonly<Record<string, string>> = {},
): void {
  const whole = openFacts(record, more);
  const fits = Buffer.byteLength(whole) <= mostFactsBytes;
  writeFileSync(join(bundle, "facts"), fits ? whole : openFacts({ ...record, labels: {} }, more), {
    mode: 0o600,
  });
}

function openFacts(record: StoredContainer, more: Readonly<Record<string, string>>): string {
  const { attributes, ...facts } = factsOf(record);
  return JSON.stringify({ ...facts, attributes: { ...attributes, ...more } }).slice(1, -2);
}

function factsOf({ id, name, image, labels }: StoredContainer) {
  return { type: "container", id, attributes: { ...labels, image: image.name, name } } as const;
}

/** What the start of a container takes and its end gives back: volumes and networks. */
export function takenFacts(
  { id: container, mounts }: ContainerRecord,
  endpoints: readonly EndpointFacts[],
  when: "start" | "end",
): readonly EventFacts[] {
  const isStart = when === "start";
  const networks = endpoints.map(
    ({ network: name, networkId: id, driver }): EventFacts => ({
      action: isStart ? "connect" : "disconnect",
      type: "network",
      id,
      attributes: { container, name, type: driver },
    }),
  );
  const volumes = mounts.flatMap((mount): readonly EventFacts[] => {
    if (mount.type !== "volume" || mount.name === undefined) return [];
    const { name: id, destination, readOnly } = mount;
    const how = { destination, propagation: "", "read/write": String(!readOnly) };
    const attributes = { container, driver: "local", ...(isStart ? how : {}) };
    return [{ action: isStart ? "mount" : "unmount", type: "volume", id, attributes }];
  });
  return isStart ? [...volumes, ...networks] : [...networks, ...volumes];
}

/** For the monitor, which tells it when the container ends: the insides of objects, one in a line. */
export function writeLeaving(
  bundle: string,
  record: ContainerRecord,
  endpoints: readonly EndpointFacts[],
): void {
  const lines = takenFacts(record, endpoints, "end").map(
    (facts) => `${JSON.stringify(facts).slice(1, -1)}\n`,
  );
  writeFileSync(join(bundle, "leaving"), lines.join(""), { mode: 0o600 });
}
