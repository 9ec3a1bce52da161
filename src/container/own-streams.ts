import { errorMessage, LighterError } from "#base";

type StreamName = "stdout" | "stderr";

/** Watches whether this process's own streams take what is written to them. */
export interface OutputWatch extends Disposable {
  /** Rejects when one takes nothing any more: its reader has gone, or the disk behind it is full. Stays pending otherwise. */
  readonly failed: Promise<never>;
}

/** What failed stays failed. */
const failures = new Map<StreamName, LighterError>();
const opened = new Set<StreamName>();
const watchers = new Set<(failure: LighterError) => void>();

/** Writes to this process's own stream; resolves when it takes more. What comes after a failure is thrown away. */
export function writeOwn(name: StreamName, chunk: Buffer): void | Promise<void> {
  const stream = openOwn(name);
  if (failures.has(name) || stream.write(chunk)) return;
  return new Promise((resolve) => {
    const goOn = (): void => {
      stream.off("drain", goOn).off("error", goOn);
      resolve();
    };
    stream.once("drain", goOn).once("error", goOn);
  });
}

/** Tells of what fails from now on. */
export function watchOwn(): OutputWatch {
  let tell = (_failure: LighterError): void => {};
  const failed = new Promise<never>((_resolve, reject) => (tell = reject));
  // Who only asks at the end need not listen before.
  failed.catch(() => {});
  watchers.add(tell);
  return { failed, [Symbol.dispose]: () => void watchers.delete(tell) };
}

// Opened with the first output: it takes longer than all that a silent program needs of us.
function openOwn(name: StreamName): NodeJS.WriteStream {
  const stream = process[name];
  if (opened.has(name)) return stream;
  opened.add(name);
  return stream.on("error", (error: Error) => {
    const failure = unwritable(name, error);
    failures.set(name, failure);
    for (const tell of watchers) tell(failure);
  });
}

function unwritable(name: StreamName, error: Error): LighterError {
  return new LighterError(
    "OUTPUT_UNWRITABLE",
    `cannot write to standard ${name === "stdout" ? "output" : "error"}: ${errorMessage(error)}`,
    { cause: error },
  );
}
