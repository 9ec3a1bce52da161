import type { Io } from "../io.ts";
import type { TransferDisplay } from "./transfer.ts";

const patienceMs = 1000;

/** Shows on a terminal what has been going on for a second; what is done by then, and elsewhere all, goes unmentioned. */
export function openLateDisplay(io: Io, { quiet }: { readonly quiet: boolean }): TransferDisplay {
  const isWanted = !quiet && io.stderr.isTerminal && io.env["TERM"] !== "dumb";
  let beganMs: number | undefined;
  let display: TransferDisplay | undefined;
  let loading: Promise<void> | undefined;
  let isEnded = false;
  // Most commands need no display, and do not load one.
  const load = async (): Promise<void> => {
    const { openTransferDisplay } = await import("./transfer.ts");
    if (!isEnded) display = openTransferDisplay(io, { quiet });
  };
  return {
    onProgress(progress) {
      beganMs ??= io.now();
      if (!isWanted || isEnded || io.now() - beganMs < patienceMs) return;
      loading ??= load();
      display?.onProgress(progress);
    },
    [Symbol.dispose]() {
      isEnded = true;
      display?.[Symbol.dispose]();
      display = undefined;
    },
  };
}
