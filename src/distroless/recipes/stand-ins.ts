import type { StandIn } from "../recipe-definition.ts";

/** The forms on Alpine of these versions; "" is the form without one. */
export function onAlpine(...versions: readonly string[]): StandIn {
  const tags = versions.flatMap((version) => {
    const form = version === "" ? "alpine" : `${version}-alpine`;
    return [form, `${form}3.*`];
  });
  return { tags, differs: "it is Debian's, with glibc and apt, without apk and musl" };
}

/** Tags that mean the newest there is. */
export function newest(version: string, ...tags: readonly string[]): StandIn {
  return { tags, differs: `the newest that Debian has is ${version}` };
}
