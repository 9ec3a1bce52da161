import { isLighterError, LighterError } from "#base";
import { parseReference } from "#oci";
import type { CliEngine } from "./engine-port.ts";
import type { Io } from "./io.ts";

/** `--pull`, and how much is shown of it. */
export interface PullFlags {
  readonly pull: string | undefined;
  readonly quiet: boolean;
}

export const pullFlags = {
  pull: {
    kind: "string",
    value: "always|missing|never",
    choices: ["always", "missing", "never"],
    summary: "When to bring the image from its registry (default missing)",
  },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress of a pull" },
} as const;

/** Does something with an image, which is pulled before with `always`, and when it is not in the store with `missing`. */
export async function withImage<T>(
  context: {
    readonly engine: CliEngine;
    readonly io: Io;
    readonly signal: AbortSignal;
    readonly flags: PullFlags & { readonly platform?: string | undefined };
  },
  image: string,
  work: () => Promise<T>,
): Promise<T> {
  const { flags, io } = context;
  if (flags.pull === "always") await pull(context, image);
  try {
    return await work();
  } catch (error) {
    const isMissing = isLighterError(error, "IMAGE_NOT_FOUND") || isLighterError(error, "PLATFORM_NOT_FOUND");
    if (!isMissing || flags.pull === "never" || flags.pull === "always") throw error;
    // What is no name of an image is found nowhere.
    parseReference(image);
    if (!flags.quiet) await io.stderr.write(`Unable to find image '${image}' locally\n`);
    await pull(context, image).catch(async (cause: unknown) => {
      if (!isLighterError(cause)) throw cause;
      const { code, details } = cause;
      const state = error.code === "PLATFORM_NOT_FOUND" ? `${error.message}, and ` : "";
      const hint = await recipeHint(context.engine, image, flags.platform);
      throw new LighterError(code, `${state}${cause.message}${hint}`, { cause, details });
    });
    return await work();
  }
}

/** A built-in recipe that makes the image; FROM takes it by itself, a container is run from what its user has fetched. */
async function recipeHint(engine: CliEngine, image: string, platform: string | undefined): Promise<string> {
  const parts = parseReference(image);
  const isBuiltIn = await engine.recipes.get(image, platform === undefined ? {} : { platform }).then(
    () => true,
    () => false,
  );
  if (!isBuiltIn || parts.digest !== undefined) return "";
  const flag = platform === undefined ? "" : ` --platform ${platform}`;
  return `; or assemble it from Debian packages: lighter recipe build${flag} ${image}`;
}

async function pull(
  { engine, io, signal, flags }: Parameters<typeof withImage>[0],
  image: string,
): Promise<void> {
  const { openTransferDisplay } = await import("./progress/transfer.ts");
  using display = openTransferDisplay(io, flags);
  const { platform } = flags;
  const { onProgress } = display;
  await engine.images.pull(image, { onProgress, signal, ...(platform !== undefined && { platform }) });
}
