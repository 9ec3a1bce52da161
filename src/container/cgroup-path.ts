import { defaultCgroupParent } from "#runtime";
import type { StoredContainer } from "./container-record.ts";

/** The cgroup of a container below the root of each hierarchy. */
export function cgroupPath({ id, cgroupParent }: Pick<StoredContainer, "id" | "cgroupParent">): string {
  return `${cgroupParent ?? defaultCgroupParent}/${id}`;
}
