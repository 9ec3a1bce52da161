import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { systemErrorCode } from "#base";
import { streamChannel } from "#host";
import { MonitorSession, type OnOutput } from "./session.ts";

/**
 * Connects to the monitor of a claimed container; undefined when none listens.
 * The path goes through a descriptor, because the name of a socket must be shorter than 108 bytes.
 */
export async function connectMonitor(
  claimDirectory: string,
  onOutput?: OnOutput,
): Promise<MonitorSession | undefined> {
  let fd: number;
  try {
    fd = openSync(claimDirectory, "r");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const socket = connect(join("/proc/self/fd", String(fd), "sock"));
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new MonitorSession(streamChannel(socket), onOutput);
  } catch (error) {
    if (["ENOENT", "ECONNREFUSED", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}
