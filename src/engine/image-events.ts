import type { EventLog } from "#events";
import type { Image } from "#image";
import { familiarReference, parseReference } from "#oci";
import type { BuildResult } from "./options.ts";

type Action = "commit" | "create" | "delete" | "import" | "load" | "save" | "tag" | "untag";

/** Tells what happened to an image, by docker's rules: its ID, its labels, and the name that it is about or the ID again. */
export function tellImage(events: EventLog, action: Action, image: Image, name: string = image.id): void {
  const attributes = { ...image.config.config?.Labels, name };
  events.append({ type: "image", action, id: image.id, attributes });
}

/** A pull or push is about a name in a registry. */
export function tellTransfer(events: EventLog, action: "pull" | "push", fullName: string): void {
  const id = familiarReference(parseReference(fullName));
  events.append({ type: "image", action, id, attributes: { name: id.replace(/(?:@|:(?!.*\/)).*$/, "") } });
}

/** A build names its image. */
export function tellBuilt(events: EventLog, { imageId, digest, names }: BuildResult): void {
  const id = imageId ?? digest ?? "";
  for (const name of names)
    events.append({
      type: "image",
      action: "tag",
      id,
      attributes: { name: familiarReference(parseReference(name)) },
    });
}
