// The entry of the bundle: one command line from the process, one exit status to it.
import { cancelledBy, cancelledStatus } from "./cancellation.ts";
import { runCommandLine } from "./command-line.ts";
import { processIo } from "./io.ts";

const controller = new AbortController();
let passOn: ((signal: NodeJS.Signals) => void) | undefined;
// A program that is its container's first process does not obey what it has no handler for.
const patience = 3;
let passed = 0;
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    passed += 1;
    if (passOn !== undefined && passed < patience) return passOn(name);
    // The first asks for a clean end; whoever insists gets out at once (what is left is swept by the next command).
    if (controller.signal.aborted) leaveAtOnce();
    controller.abort(cancelledBy(name));
  });
}
// Without a listener Node would open its debugger's port.
process.on("SIGUSR1", () => (passOn === undefined ? process.exit(128 + 10) : passOn("SIGUSR1")));
// What docker passes on besides: only to a program, else they do what they do to any process.
const furtherSignals = "USR2 QUIT ALRM CONT IO PWR VTALRM".split(" ");
void runCommandLine(process.argv.slice(2), {
  io: processIo(),
  signal: controller.signal,
  onSignals: (send) => {
    passOn = send;
    for (const name of furtherSignals)
      process.on(`SIG${name}` as NodeJS.Signals, () => send(`SIG${name}` as NodeJS.Signals));
  },
  openEngine: async (options) => new (await import("#engine")).Engine(options),
}).then((status) => process.exit(status));

function leaveAtOnce(): never {
  // A display may have hidden it.
  if (process.getBuiltinModule("node:tty").isatty(2)) process.stderr.write("\u001b[?25h");
  process.exit(cancelledStatus(controller.signal.reason));
}
