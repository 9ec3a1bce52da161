import { isLighterError } from "#base";
import type { ContainerRecord } from "#container";
import type { CliEngine } from "./engine-port.ts";

type Images = Pick<CliEngine["images"], "find">;

/** The ID that a name of an image stands for now. A name is looked up once. */
export function imageIds(images: Images): (name: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (name) => {
    if (!known.has(name)) known.set(name, findId(images, name));
    return known.get(name);
  };
}

function findId(images: Images, name: string): string | undefined {
  try {
    return images.find(name)?.id;
  } catch (error) {
    // A listing of containers goes on where a name cannot be read, or could be of several.
    if (isLighterError(error)) return undefined;
    throw error;
  }
}

/** As docker shows it: the name while the image has it, else the ID; in short without a digest. */
export function imageText(
  { image }: Pick<ContainerRecord, "image">,
  { isFull, idOf }: { readonly isFull: boolean; readonly idOf: (name: string) => string | undefined },
): string {
  const shown = idOf(image.name) === image.id ? image.name : image.id;
  if (isFull) return shown;
  const shortId = image.id.slice("sha256:".length, "sha256:".length + 12);
  if (shown.replace("sha256:", "").startsWith(shortId)) return shortId;
  return shown.replace(/@sha256:.*$/, "");
}
