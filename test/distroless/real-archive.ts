import { request } from "node:http";

/** Why tests with Debian's own archive cannot run here, or false when they can. */
export async function whyNoArchive(): Promise<string | false> {
  if (process.geteuid?.() !== 0) return "entering the images needs root";
  const isReachable = await new Promise<boolean>((resolve) => {
    const probe = request("http://deb.debian.org/debian/dists/bookworm/InRelease", {
      method: "HEAD",
      timeout: 30_000,
    });
    probe.once("response", ({ statusCode }) => resolve(statusCode === 200));
    probe.once("timeout", () => probe.destroy(new Error("timeout")));
    probe.once("error", () => resolve(false));
    probe.end();
  });
  return !isReachable && "no Debian mirror can be reached";
}
