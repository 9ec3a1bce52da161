import type { Owner, UserName } from "./graph.ts";

/** `user[:group]` as `--chown` and USER write it; numbers are ids, and `root` is 0. */
export function parseOwner(text: string): Owner {
  const colon = text.indexOf(":");
  if (colon < 0) return Object.freeze({ user: parseUser(text) });
  return Object.freeze({ user: parseUser(text.slice(0, colon)), group: parseUser(text.slice(colon + 1)) });
}

function parseUser(text: string): UserName {
  if (text === "root" || text === "") return { id: 0 };
  return /^[+-]?\d+$/.test(text) && Math.abs(Number(text)) < 2 ** 31 ? { id: Number(text) } : { name: text };
}
