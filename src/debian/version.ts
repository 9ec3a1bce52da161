/**
 * Compares two Debian versions: negative when `a` is older, 0 when they are equal, positive when `a` is newer.
 * Never throws: what is no legal version is compared by the same rules, as dpkg does with `--force-bad-version`.
 * @see https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = splitVersion(a);
  const right = splitVersion(b);
  return (
    left.epoch - right.epoch ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

/** The operators of a versioned relation. */
export type VersionOperator = "<<" | "<=" | "=" | ">=" | ">>";

/** Whether `version` stands in the relation to `bound`. */
export function satisfiesVersion(version: string, operator: VersionOperator, bound: string): boolean {
  const order = compareVersions(version, bound);
  switch (operator) {
    case "<<":
      return order < 0;
    case "<=":
      return order <= 0;
    case "=":
      return order === 0;
    case ">=":
      return order >= 0;
    case ">>":
      return order > 0;
  }
}

/** The version with no epoch and no Debian revision: `2:1.19~1-3` is `1.19~1`. */
export function upstreamVersion(version: string): string {
  return splitVersion(version).upstream;
}

function splitVersion(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(":");
  const epoch = colon < 0 ? 0 : Number(version.slice(0, colon)) || 0;
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf("-");
  return dash < 0
    ? { epoch, upstream: rest, revision: "" }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

/** Alternates between a run of non-digits, ordered by {@link rank}, and a run of digits, ordered as a number. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while (isNonDigit(a, i) || isNonDigit(b, j)) {
      const order = rank(a, i) - rank(b, j);
      if (order !== 0) return order;
      if (isNonDigit(a, i)) i += 1;
      if (isNonDigit(b, j)) j += 1;
    }
    while (a[i] === "0") i += 1;
    while (b[j] === "0") j += 1;
    let order = 0;
    while (isDigit(a, i) && isDigit(b, j)) {
      order ||= a.charCodeAt(i) - b.charCodeAt(j);
      i += 1;
      j += 1;
    }
    if (isDigit(a, i)) return 1;
    if (isDigit(b, j)) return -1;
    if (order !== 0) return order;
  }
  return 0;
}

/** `~` before the end, the end (and digits) before letters, letters before everything else. */
function rank(text: string, at: number): number {
  if (at >= text.length) return 0;
  const code = text.charCodeAt(at);
  if (code === 0x7e) return -1;
  if (code >= 0x30 && code <= 0x39) return 0;
  if ((code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)) return code;
  return code + 256;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

function isNonDigit(text: string, at: number): boolean {
  return at < text.length && !isDigit(text, at);
}
