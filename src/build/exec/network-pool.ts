import { Cleanup } from "#base";
import type { Attachment, AttachRequest, NetworkProvider } from "#runtime";

/**
 * Network attachments of one build. Steps that run one after another use the same namespace, so that only steps that
 * run at once pay for making one; no two use it at the same time.
 */
export class NetworkPool implements AsyncDisposable {
  readonly #provider: () => Promise<NetworkProvider>;
  readonly #free = new Map<string, Attachment[]>();
  readonly #made = new Cleanup();

  constructor(provider: () => Promise<NetworkProvider>) {
    this.#provider = provider;
  }

  /** Lends an attachment until `use` has ended. */
  async lend<T>(request: AttachRequest, use: (attachment: Attachment) => Promise<T>): Promise<T> {
    const key = JSON.stringify([request.network, request.hostname, request.extraHosts ?? []]);
    const free = this.#free.get(key) ?? [];
    this.#free.set(key, free);
    const attachment = free.pop() ?? this.#made.use(await (await this.#provider()).attach(request));
    try {
      return await use(attachment);
    } finally {
      free.push(attachment);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#made[Symbol.asyncDispose]();
  }
}
