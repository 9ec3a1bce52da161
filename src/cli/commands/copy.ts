import { defineCommand, type Invocation } from "../command.ts";
import { openTransferDisplay } from "../progress/transfer.ts";

const copyFlags = {
  platform: {
    kind: "string",
    value: "OS/ARCH",
    summary: "Copy this platform's image alone (default: all there are)",
  },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress; print the digest" },
} as const;

export const imageCopy = defineCommand({
  name: "image copy",
  summary: "Copy an image between registries, the store, layouts and archives",
  usage: "[OPTIONS] SOURCE TARGET",
  flags: copyFlags,
  arity: { min: 2, max: 2 },
  examples: [
    {
      command: "lighter image copy docker://debian:12 docker://localhost:5000/debian:12",
      explains: "Take an image with all its platforms to another registry, blob by blob",
    },
    {
      command: "lighter image copy store:calculator oci:layout:calculator",
      explains:
        "Write an OCI image layout; oci-archive:FILE, docker-archive:FILE and dir:DIR work the same way",
    },
  ],
  run: copyImage,
});

async function copyImage({
  flags,
  args,
  io,
  signal,
  openEngine,
}: Invocation<typeof copyFlags>): Promise<number> {
  await using engine = await openEngine();
  const { platform } = flags;
  const [from = "", to = ""] = args;
  using display = openTransferDisplay(io, flags);
  const { digest } = await engine.images.copy(from, to, {
    onProgress: display.onProgress,
    signal,
    ...(platform !== undefined && { platform }),
  });
  await io.stdout.write(`${digest}\n`);
  return 0;
}
