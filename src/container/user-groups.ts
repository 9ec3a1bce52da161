import type { Host } from "#host";
import { type ResolvedUser, resolveUser } from "#runtime";

/** A user of a container in the groups of `--group-add` as well. @throws USER_NOT_FOUND */
export function withGroups(
  host: Host,
  rootfs: string,
  user: ResolvedUser,
  groups: readonly string[],
): ResolvedUser {
  const gids = groups.map((group) => resolveUser(host, rootfs, `0:${group}`).gid);
  return { ...user, additionalGids: [...new Set([...user.additionalGids, ...gids])] };
}
