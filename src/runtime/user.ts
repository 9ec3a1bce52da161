import { LighterError } from "#base";
import type { Host } from "#host";
import { readFileInRoot } from "./read-in-root.ts";

/** A user as the kernel knows it. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group comes first, so that dropping it by a negative ACL entry is impossible (CVE-2022-36109). */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** Contents of the account files of a root; empty where the file is absent. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

const largestId = 2 ** 31 - 1;

/**
 * Resolves `user[:group]` of an image (names or numbers) by the root's own /etc/passwd and /etc/group, which are read
 * without leaving the root. Undefined or empty is root.
 * @throws USER_NOT_FOUND when a name is in neither file
 */
export function resolveUser(
  host: Pick<Host, "files">,
  rootfs: string,
  user: string | undefined,
): ResolvedUser {
  return findUser(user ?? "", {
    passwd: readFileInRoot(host, rootfs, "/etc/passwd") ?? "",
    group: readFileInRoot(host, rootfs, "/etc/group") ?? "",
  });
}

/** The pure half of {@link resolveUser}: `:group` is root with that group. @throws USER_NOT_FOUND */
export function findUser(text: string, accounts: Accounts): ResolvedUser {
  const [asked, groupText] = splitOnce(text, ":");
  const userText = asked === "" ? "0" : asked;
  const user = findPasswd(userText, accounts.passwd);
  const uid = user?.uid ?? idOf(userText);
  if (uid === undefined) throw unknown("user", userText, "passwd");
  const home = user?.home ?? "/";
  if (groupText !== "") {
    const gid = findGroup(groupText, accounts.group) ?? idOf(groupText);
    if (gid === undefined) throw unknown("group", groupText, "group");
    return { uid, gid, additionalGids: [gid], home };
  }
  const gid = user?.gid ?? 0;
  const memberships = user === undefined ? [] : listMemberships(user.name, accounts.group);
  return { uid, gid, additionalGids: [...new Set([gid, ...memberships])], home };
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** A name wins over a number that looks like it, as the first matching line does. */
function findPasswd(text: string, passwd: string): PasswdEntry | undefined {
  const number = idOf(text);
  for (const [name = "", , uidText = "", gidText = "", , home = ""] of fields(passwd)) {
    const uid = idOf(uidText);
    if (uid === undefined || (name !== text && uid !== number)) continue;
    return { name, uid, gid: idOf(gidText) ?? 0, home: home === "" ? "/" : home };
  }
  return undefined;
}

function findGroup(text: string, group: string): number | undefined {
  const number = idOf(text);
  for (const [name, , gidText = ""] of fields(group)) {
    const gid = idOf(gidText);
    if (gid !== undefined && (name === text || gid === number)) return gid;
  }
  return undefined;
}

function listMemberships(name: string, group: string): readonly number[] {
  return [...fields(group)].flatMap(([, , gidText = "", members = ""]) => {
    const gid = idOf(gidText);
    return gid !== undefined && members.split(",").includes(name) ? [gid] : [];
  });
}

function* fields(file: string): Generator<readonly string[]> {
  for (const line of file.split("\n")) {
    const text = line.trim();
    if (text !== "" && !text.startsWith("#")) yield text.split(":");
  }
}

function idOf(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= largestId ? id : undefined;
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const place = text.indexOf(separator);
  return place < 0 ? [text, ""] : [text.slice(0, place), text.slice(place + 1)];
}

function unknown(kind: "user" | "group", name: string, file: string): LighterError {
  return new LighterError(
    "USER_NOT_FOUND",
    `unable to find ${kind} ${name}: no matching entries in ${file} file; use a number, or add the ${kind} to the image`,
    { details: { [kind]: name } },
  );
}
