import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { whyNoArchive } from "../distroless/real-archive.ts";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";

/** Why nothing here can run, or false. */
export const skip = whyNoMachine() || (await whyNoArchive());

/** One store for the whole suite, since most packages are shared; the programs that are run in its images; a TLS server. */
export class Workshop implements AsyncDisposable {
  readonly #clone: Clone;
  readonly #server: Server;
  /** Programs, compiled, and the certificate of the server. */
  readonly programs: string;

  private constructor(clone: Clone, server: Server) {
    this.#clone = clone;
    this.#server = server;
    this.programs = join(clone.folder, "programs");
  }

  static async open(): Promise<Workshop> {
    const clone = openClone();
    const programs = join(clone.folder, "programs");
    const sources = join(process.cwd(), "test/recipes/programs");
    mkdirSync(programs);
    const [key, cert] = makeCertificate(clone.folder);
    const server = createServer({ key, cert }, (_, response) => response.end("over TLS"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const workshop = new Workshop(clone, server);
    try {
      await workshop.lighter("build", "-q", "-o", `type=local,dest=${programs}`, sources);
      cpSync(join(clone.folder, "server.pem"), join(programs, "server.pem"));
      return workshop;
    } catch (error) {
      // The server would keep the process alive.
      await workshop[Symbol.asyncDispose]();
      throw error;
    }
  }

  get root(): string {
    return this.#clone.root;
  }

  /** An empty folder that is removed with the workshop. */
  folder(name: string): string {
    const folder = join(this.#clone.folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** What a command of lighter prints on standard output; it has to end well. */
  async lighter(...args: readonly string[]): Promise<string> {
    const child = this.#clone.start(args, { cwd: process.cwd() });
    const [stdout, stderr] = [child.stdout, child.stderr].map(gather);
    const status = await new Promise((resolve) => child.once("close", resolve));
    assert.equal(status, 0, `lighter ${args.join(" ")}\n${stdout?.()}\n${stderr?.()}`);
    return stdout?.() ?? "";
  }

  /** The same command, which has to fail: what it says. */
  async refused(...args: readonly string[]): Promise<string> {
    const { status, stderr } = this.#clone.run(args, { cwd: process.cwd() });
    assert.notEqual(status, 0, args.join(" "));
    return stderr;
  }

  /** Runs a program of the image itself, with the programs of the tests in /app. */
  run(image: string, options: readonly string[], ...command: readonly string[]): Promise<string> {
    const [program = "", ...args] = command;
    const mount = [
      "-v",
      `${this.programs}:/app:ro`,
      "--network",
      "host",
      "--add-host",
      "server.test:127.0.0.1",
    ];
    return this.lighter("run", "--rm", ...mount, ...options, "--entrypoint", program, image, ...args);
  }

  /** Runs a shell script as the only step of a build on top of an image, and returns what the script prints. */
  async script(image: string, script: string, context = this.folder("empty")): Promise<string> {
    const dockerfile = `FROM ${image} AS run\nWORKDIR /work\nCOPY . .\nRUN <<'END'\nset -e\n{\n${script}\n} >/output\nEND\nFROM scratch\nCOPY --from=run /output /\n`;
    const out = this.folder("output");
    await this.lighterWithInput(dockerfile, "build", "-f", "-", "-o", `type=local,dest=${out}`, context);
    return readFileSync(join(out, "output"), "utf8");
  }

  /** Starts an image that serves at port 80, and compares its page; its log has to stand where logs are read. */
  async serve(image: string, page: string, options: readonly string[] = []): Promise<void> {
    await this.lighter("run", "-d", "--name", "served", "-p", "127.0.0.1::80", ...options, image);
    const port = (await this.lighter("port", "served", "80")).trim();
    assert.equal(await fetchWhenUp(`http://${port}/`), page);
    assert.equal((await fetch(`http://${port}/absent`)).status, 404);
    await this.lighter("stop", "served");
    assert.match(await this.lighter("logs", "served"), /"GET \/absent HTTP\/1.1" 404/);
    await this.lighter("rm", "served");
  }

  async lighterWithInput(input: string, ...args: readonly string[]): Promise<void> {
    const { status, stderr } = this.#clone.run(args, { cwd: process.cwd(), input });
    assert.equal(status, 0, `${input}\n${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#clone[Symbol.dispose]();
  }
}

/** A server needs its moment after `run -d` has returned. */
async function fetchWhenUp(url: string): Promise<string> {
  for (const deadline = Date.now() + 60_000; ; await delay(50))
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
}

function gather(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

function makeCertificate(folder: string): readonly Buffer[] {
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["server.key", "server.pem"];
  const out = ["-keyout", "server.key", "-out", "server.pem"];
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...out];
  const { status, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return files.map((name) => readFileSync(join(folder, name)));
}
