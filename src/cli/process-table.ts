import { readFileSync, statSync } from "node:fs";
import { formatTable } from "./table.ts";

/** What `ps -ef` prints of these processes, read from /proc: the host needs no ps. */
export function processTable(pids: readonly number[]): string {
  const rows = pids.flatMap((pid) => rowOf(pid));
  return formatTable(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], rows, 20);
}

const ticksPerSecond = 100;

function rowOf(pid: number): readonly (readonly string[])[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name may hold anything, parentheses too.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const seconds = Math.floor((Number(fields[11]) + Number(fields[12])) / ticksPerSecond);
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    const started = new Date(bootMs() + (Number(fields[19]) / ticksPerSecond) * 1000);
    return [
      [
        nameOf(statSync(`/proc/${pid}`).uid),
        String(pid),
        fields[1] ?? "",
        "0",
        started.toTimeString().slice(0, 5),
        Number(fields[4]) === 0 ? "?" : "pts/0",
        new Date(seconds * 1000).toISOString().slice(11, 19),
        (command === "" ? `[${stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"))}]` : command).replace(
          /[\u0000-\u001f\u007f-\u009f]/g,
          "?",
        ),
      ],
    ];
  } catch {
    return []; // it ended meanwhile
  }
}

/** The host's name of a user, as its ps has it. */
function nameOf(uid: number): string {
  const known = new RegExp(`^([^:]+):[^:]*:${uid}:`, "m").exec(readFileSync("/etc/passwd", "utf8"))?.[1];
  return known ?? String(uid);
}

function bootMs(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1] ?? 0) * 1000;
}
