/** `--egress allow=a,b:443`, or the list alone. */
export function parseEgressFlag(text: string): readonly string[] {
  return text
    .replace(/^allow=/, "")
    .split(",")
    .map((host) => host.trim())
    .filter((host) => host !== "");
}
