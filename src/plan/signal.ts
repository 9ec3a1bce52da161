// The signals of Linux as STOPSIGNAL may name them, with or without SIG.
// https://github.com/moby/sys/blob/signal/v0.7.1/signal/signal_linux.go
const names: ReadonlySet<string> = new Set(
  (
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP " +
    "TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX " +
    Array.from({ length: 15 }, (_, index) => `RTMIN+${index + 1}`).join(" ") +
    " " +
    Array.from({ length: 14 }, (_, index) => `RTMAX-${index + 1}`).join(" ")
  ).split(" "),
);

/** Whether STOPSIGNAL may say `text`: the name of a signal in any case, or any number but 0. */
export function isSignal(text: string): boolean {
  if (/^[+-]?\d+$/.test(text)) return Number(text) !== 0;
  return names.has(text.toUpperCase().replace(/^SIG/, ""));
}
