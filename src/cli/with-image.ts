import { isLighterError, LighterError } from "#base";
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
    if (!flags.quiet) await io.stderr.write(`Unable to find image '${image}' locally\n`);
    await pull(context, image).catch((cause: unknown) => {
      if (!isLighterError(cause)) throw cause;
      throw new LighterError(cause.code, `${error.message}, and ${cause.message}`, {
        cause,
        details: cause.details,
      });
    });
    return await work();
  }
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
