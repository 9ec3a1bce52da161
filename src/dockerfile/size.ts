const POWERS = "bkmgtp";

/**
 * Reads an amount of memory as docker does: `64m`, `1.5 GiB`, `512`; units are powers of 1024. `undefined` when it is
 * none. https://pkg.go.dev/github.com/docker/go-units#RAMInBytes
 */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9.+eE-]*[0-9.]) ?([a-zA-Z]{0,3})$/.exec(text);
  const [number = "", unit = ""] = match?.slice(1) ?? [];
  if (!/^\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(number)) return undefined;
  const suffix = /^(?:b|([kmgtp])(?:i?b)?)?$/.exec(unit.toLowerCase());
  if (suffix === null) return undefined;
  const bytes = Number(number) * 1024 ** Math.max(POWERS.indexOf(suffix[1] ?? "b"), 0);
  return Number.isFinite(bytes) ? Math.trunc(bytes) : undefined;
}
