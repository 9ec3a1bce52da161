import { closeSync, fstatSync, statSync, watch } from "node:fs";
import { Cleanup } from "#base";
import type { Lock } from "#host";
import { openSandbox } from "../connect-container.ts";
import { findDescriptor } from "../find-descriptor.ts";
import { ownerOf } from "../find-network.ts";
import { type NetworkParts, sweepDead } from "../join-networks.ts";
import type { HeldSocket, NetworkState, Sandbox } from "../network-state.ts";
import { upstreamServers } from "../resolv-conf.ts";
import { egressRulesFor, openAddresses } from "./egress-opener.ts";
import { forwardQuery } from "./forward.ts";
import { KnownAnswers } from "./known-answers.ts";
import type { RefusedNames } from "./refused-names.ts";
import { openResolverSockets } from "./resolver-sockets.ts";
import { encodeAnswer, encodeFailure, judgeQuery, nameRefused, readQuery, serverFailure } from "./respond.ts";
import { serveSandbox } from "./serve-sandbox.ts";

/** How often the resolver looks for containers whose owner died. */
const sweepEveryMs = 5000;
const lockWaitMs = 2000;
/** {@link startResolver} */
const inheritedDescriptor = 3;
const mostAtOnce = 1024;

/**
 * The one process of a store that answers names on user networks. It starts with the first container that needs it and ends with
 * the last; the lock decides between two, and the decision to end is made under the ledger's lock, so that no container is
 * left without.
 */
export async function serveNames(
  parts: NetworkParts & { readonly refusedNames: RefusedNames },
  signal?: AbortSignal,
): Promise<void> {
  const lock = inheritedLock(parts) ?? (await takeLock(parts));
  if (lock === undefined) return;
  await using undo = new Cleanup();
  undo.use(lock);
  const names = new NameServer(parts);
  undo.defer(() => names.close());
  const changed = new Signal();
  const watcher = watch(parts.ledger.folder, () => changed.raise());
  undo.defer(() => watcher.close());
  const stop = (): void => changed.raise();
  signal?.addEventListener("abort", stop);
  for (let isLast = false; !isLast && signal?.aborted !== true; ) {
    names.follow();
    if (names.isIdle) isLast = await endUnlessNeeded(parts, lock);
    if (!isLast && !(await changed.wait(sweepEveryMs)))
      await parts.ledger.update((page) => sweepDead(parts, page));
  }
}

/** Who started this process may have handed it the lock. */
function inheritedLock({ ledger }: NetworkParts): Disposable | undefined {
  const wanted = statSync(ledger.resolverLockPath, { throwIfNoEntry: false });
  const given = attempt(() => fstatSync(inheritedDescriptor).ino);
  if (wanted === undefined || given !== wanted.ino) return undefined;
  let isHeld = true;
  return {
    [Symbol.dispose]: () => {
      if (isHeld) closeSync(inheritedDescriptor);
      isHeld = false;
    },
  };
}

async function takeLock({ host, ledger }: NetworkParts): Promise<Lock | undefined> {
  try {
    // Another one may be about to end.
    return await host.locks.acquire(ledger.resolverLockPath, "exclusive", AbortSignal.timeout(lockWaitMs));
  } catch {
    return undefined;
  }
}

async function endUnlessNeeded({ ledger }: NetworkParts, lock: Disposable): Promise<boolean> {
  return await ledger.update((page) => {
    const isNeeded = page.state.sandboxes.some(({ resolver }) => resolver !== undefined);
    if (!isNeeded) lock[Symbol.dispose]();
    return Promise.resolve(!isNeeded);
  });
}

class NameServer {
  readonly #parts: NetworkParts & { readonly refusedNames: RefusedNames };
  readonly #served = new Map<string, Disposable>();
  #state: NetworkState;
  #version = "";
  readonly #known = new KnownAnswers();
  #turn = 0;
  #pending = 0;

  constructor(parts: NetworkParts & { readonly refusedNames: RefusedNames }) {
    this.#parts = parts;
    this.#state = parts.ledger.read();
  }

  get isIdle(): boolean {
    return this.#served.size === 0;
  }

  /** Takes over the sockets of new containers and closes those of gone ones, whose namespaces they would keep. */
  follow(): void {
    const { sandboxes } = this.#read();
    const wanted = sandboxes.filter(({ resolver }) => resolver !== undefined);
    for (const [id, served] of this.#served) {
      if (wanted.some((sandbox) => sandbox.id === id)) continue;
      this.#served.delete(id);
      served[Symbol.dispose]();
    }
    for (const sandbox of wanted) if (!this.#served.has(sandbox.id)) this.#serve(sandbox);
  }

  close(): void {
    for (const served of this.#served.values()) served[Symbol.dispose]();
    this.#served.clear();
  }

  #serve(sandbox: Sandbox): void {
    try {
      const sockets = takeSockets(this.#parts, sandbox);
      const served = serveSandbox(sockets, (question, overTcp) =>
        this.#answer(sandbox.id, question, overTcp),
      );
      this.#served.set(sandbox.id, served);
    } catch {
      // Its owner has died: the sweep removes it.
    }
  }

  async #answer(id: string, question: Buffer, overTcp: boolean): Promise<Buffer | undefined> {
    const state = this.#read();
    const asked = { asker: id, question, overTcp };
    const known = this.#known.find(asked);
    if (known !== undefined) return known;
    const query = readQuery(question);
    if (query === undefined) return undefined;
    const asker = state.sandboxes.find((sandbox) => sandbox.id === id);
    if (asker === undefined) return undefined;
    this.#turn += 1;
    const verdict = judgeQuery(query, { state, asker, turn: this.#turn });
    if (verdict.kind === "answer") {
      const answer = encodeAnswer(query, verdict.answers, overTcp);
      // Several addresses are given in turn.
      if (verdict.answers.length < 2) this.#known.add(asked, answer);
      return answer;
    }
    if (verdict.kind === "fail") return encodeFailure(query, verdict.rcode);
    const rules = egressRulesFor(state, asker, query.name);
    if (rules?.length === 0) {
      this.#parts.refusedNames.add(asker, query.name);
      return encodeFailure(query, nameRefused);
    }
    if (this.#pending >= mostAtOnce) return encodeFailure(query, serverFailure);
    this.#pending += 1;
    try {
      const servers = upstreamServers(asker.dns);
      const answer = await forwardQuery(question, { servers, overTcp });
      if (answer === undefined) return encodeFailure(query, serverFailure);
      if (rules !== undefined)
        openAddresses(this.#parts.host.firewall, ownerOf(this.#parts.root).table, {
          state,
          sandbox: asker,
          rules,
          answer,
        });
      return answer;
    } finally {
      this.#pending -= 1;
    }
  }

  /** The state of now: a name is known as soon as its container has joined, whenever the watcher wakes. */
  #read(): NetworkState {
    const stat = statSync(this.#parts.ledger.statePath, { throwIfNoEntry: false });
    const version = `${stat?.ino}:${stat?.mtimeMs}:${stat?.size}`;
    if (version !== this.#version) {
      this.#version = version;
      this.#known.clear();
      this.#state = this.#parts.ledger.read();
    }
    return this.#state;
  }
}

/** The sockets that wait for us at the owner or at whom it handed them to; where they are gone, new ones in their place. */
function takeSockets(
  { host }: NetworkParts,
  sandbox: Sandbox,
): { readonly udp: number; readonly tcp: number } {
  const { resolver } = sandbox;
  if (resolver !== undefined) {
    const [udp, tcp] = [resolver.udp, resolver.tcp].map((socket) => takeSocket(host, resolver.pid, socket));
    if (udp !== undefined && tcp !== undefined) return { udp, tcp };
    for (const fd of [udp, tcp]) if (fd !== undefined) closeSync(fd);
  }
  using namespace = openSandbox({ host }, sandbox);
  const { descriptors } = openResolverSockets(host, namespace);
  return { udp: descriptors.udp.fd, tcp: descriptors.tcp.fd };
}

function takeSocket(
  { sockets }: Pick<NetworkParts["host"], "sockets">,
  owner: number,
  { fd, inode }: HeldSocket,
): number | undefined {
  for (const place of [() => ({ pid: owner, fd }), () => findDescriptor(inode)]) {
    const found = place();
    const taken = found && attempt(() => sockets.takeOver(found.pid, found.fd));
    if (taken === undefined) continue;
    if (fstatSync(taken).ino === inode) return taken;
    closeSync(taken);
  }
  return undefined;
}

// The process, or its descriptor, may be gone.
function attempt(take: () => number): number | undefined {
  try {
    return take();
  } catch {
    return undefined;
  }
}

/** Wakes one waiter; a call that comes early is remembered. */
class Signal {
  #isRaised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#isRaised = true;
    this.#wake?.();
  }

  /** False when the time passed first. */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.#isRaised) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const wasRaised = this.#isRaised;
    this.#isRaised = false;
    this.#wake = undefined;
    return wasRaised;
  }
}
